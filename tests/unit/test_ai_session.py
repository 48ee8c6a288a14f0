from collections.abc import Sequence
from functools import reduce

import pytest
from msgspec import UNSET

from domain.ai_session import (
    AISession,
    AISessionCreated,
    AISessionDeleted,
    AISessionEvent,
    AISessionPatched,
    Command,
    DeleteAISession,
    NewAISession,
    PatchAISession,
    decide,
    evolve,
)
from domain.errors import AlreadyExists, NotFound
from domain.ids import AccountId, AISessionId

S7 = AISessionId("0190a000-0000-7000-8000-000000000007")
CREATED = AISessionCreated(account_id="a1", purpose="triage")
DELETED = AISessionDeleted()


def state_after(*past: AISessionEvent) -> AISession | None:
    nothing: AISession | None = None
    return reduce(evolve, past, nothing)


@pytest.mark.parametrize(
    ("command", "event"),
    [
        (NewAISession(session_id=S7), AISessionCreated()),
        (
            NewAISession(session_id=S7, account_id=AccountId("a1")),
            AISessionCreated(account_id="a1"),
        ),
        (NewAISession(session_id=S7, purpose=""), AISessionCreated(purpose="")),
        (NewAISession(session_id=S7, account_id=AccountId("a1"), purpose="triage"), CREATED),
    ],
    ids=["nothing", "account", "empty purpose", "both"],
)
def test_a_new_session_records_what_was_given(
    command: NewAISession, event: AISessionCreated
) -> None:
    assert decide(command, None) == [event]


@pytest.mark.parametrize("past", [[CREATED], [CREATED, DELETED]], ids=["there", "deleted"])
def test_a_taken_id_is_refused_for_ever(past: Sequence[AISessionEvent]) -> None:
    with pytest.raises(AlreadyExists, match=f"AISession {S7} exists already"):
        decide(NewAISession(session_id=S7), state_after(*past))


@pytest.mark.parametrize(
    ("purpose", "events"),
    [(None, []), ("triage", []), ("Triage", [AISessionPatched(purpose="Triage")]),
     ("", [AISessionPatched(purpose="")])],
    ids=["absent or null", "same", "other", "empty"],
)  # fmt: skip
def test_a_patch_adds_an_event_only_when_the_purpose_changes(
    purpose: str | None, events: list[AISessionEvent]
) -> None:
    command = PatchAISession(session_id=S7, purpose=purpose)
    assert decide(command, state_after(CREATED)) == events


def test_a_patch_gives_a_session_its_first_purpose() -> None:
    command = PatchAISession(session_id=S7, purpose="triage")
    assert decide(command, state_after(AISessionCreated())) == [AISessionPatched(purpose="triage")]


def test_a_session_is_deleted_once() -> None:
    assert decide(DeleteAISession(session_id=S7), state_after(CREATED)) == [DELETED]


@pytest.mark.parametrize("past", [[], [CREATED, DELETED]], ids=["never there", "deleted"])
@pytest.mark.parametrize(
    "command",
    [
        PatchAISession(session_id=S7, purpose="triage"),
        PatchAISession(session_id=S7),
        DeleteAISession(session_id=S7),
    ],
    ids=["patch", "patch of nothing", "delete"],
)
def test_what_is_not_there_is_not_found(command: Command, past: Sequence[AISessionEvent]) -> None:
    with pytest.raises(NotFound, match=f"AISession {S7} does not exist"):
        decide(command, state_after(*past))


@pytest.mark.parametrize(
    ("past", "state"),
    [
        ([AISessionCreated()], AISession()),
        ([CREATED], AISession(account_id="a1", purpose="triage")),
        ([CREATED, AISessionPatched(purpose="x")], AISession(account_id="a1", purpose="x")),
        ([CREATED, DELETED], AISession(deleted=True)),
    ],
    ids=["created with nothing", "created", "patched", "deleted"],
)
def test_a_session_is_what_happened_to_it(past: Sequence[AISessionEvent], state: AISession) -> None:
    assert state_after(*past) == state


def test_a_purpose_is_personal_and_an_account_is_not() -> None:
    assert AISessionCreated.personal == AISessionPatched.personal == {"purpose"}
    assert AISessionCreated().purpose is UNSET
