from collections.abc import Sequence
from datetime import UTC, datetime
from functools import reduce

import msgspec
import pytest
from msgspec import UNSET
from msgspec.structs import replace

from domain.ai_session import (
    AISession,
    AISessionActionDeleted,
    AISessionActionProposed,
    AISessionActionsCleared,
    AISessionApplied,
    AISessionCreated,
    AISessionDeleted,
    AISessionEvent,
    AISessionPatched,
    ApplyAISession,
    ClearAISessionActions,
    Command,
    DeleteAISession,
    DeleteAISessionAction,
    NewAISession,
    PatchAISession,
    ProposeAISessionAction,
    SessionAction,
    decide,
    evolve,
)
from domain.errors import AlreadyExists, InvalidField, NotFound
from domain.ids import AccountId, AISessionId
from domain.limits import ACTIONS_LENGTH, ACTIONS_PER_SESSION

S7 = AISessionId("0190a000-0000-7000-8000-000000000007")
CREATED = AISessionCreated(account_id="a1", purpose="triage")
DELETED = AISessionDeleted()
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
PROPOSE = ProposeAISessionAction(
    session_id=S7, action_id="x", proposed_at=NOON, function_name="setQueue"
)
PROPOSED = AISessionActionProposed(
    action_id="x", proposed_at=NOON, function_name="setQueue", can_be_applied=True
)
KEPT = replace(PROPOSED, action_id="kept", can_be_applied=False)
WAITS = SessionAction(action_id="x", proposed_at=NOON, function_name="setQueue")
IS_KEPT = replace(WAITS, action_id="kept", can_be_applied=False)


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
        PROPOSE,
        ApplyAISession(session_id=S7),
        ClearAISessionActions(session_id=S7),
        DeleteAISessionAction(session_id=S7, action_id="x"),
    ],
    ids=["patch", "patch of nothing", "delete", "propose", "apply", "clear", "delete action"],
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
        ([CREATED, PROPOSED, DELETED], AISession(deleted=True)),
        (
            [CREATED, PROPOSED, AISessionPatched(purpose="x")],
            AISession(account_id="a1", purpose="x", actions=(WAITS,)),
        ),
    ],
    ids=[
        "created with nothing",
        "created",
        "patched",
        "deleted",
        "deleted with an action",
        "patched with an action",
    ],
)
def test_a_session_is_what_happened_to_it(past: Sequence[AISessionEvent], state: AISession) -> None:
    assert state_after(*past) == state


def test_a_purpose_is_personal_and_an_account_is_not() -> None:
    assert AISessionCreated.personal == AISessionPatched.personal == {"purpose"}
    assert AISessionCreated().purpose is UNSET


@pytest.mark.parametrize(
    ("command", "event"),
    [
        (PROPOSE, PROPOSED),
        (replace(PROPOSE, can_be_applied=False), replace(PROPOSED, can_be_applied=False)),
        (replace(PROPOSE, arguments="{}"), replace(PROPOSED, arguments="{}")),
        (replace(PROPOSE, description=""), replace(PROPOSED, description="")),
    ],
    ids=["least", "cannot be applied", "arguments", "empty description"],
)
def test_a_proposed_action_records_what_was_given(
    command: ProposeAISessionAction, event: AISessionActionProposed
) -> None:
    assert decide(command, state_after(CREATED)) == [event]


def test_an_action_that_waits_is_not_proposed_again() -> None:
    with pytest.raises(AlreadyExists, match="AISessionAction x exists already"):
        decide(PROPOSE, state_after(CREATED, PROPOSED))


def test_one_action_too_many_is_refused_with_the_limit() -> None:
    waiting = tuple(replace(WAITS, action_id=str(n)) for n in range(ACTIONS_PER_SESSION - 1))
    assert decide(PROPOSE, AISession(actions=waiting)) == [PROPOSED]
    with pytest.raises(InvalidField, match=str(ACTIONS_PER_SESSION)) as refused:
        decide(PROPOSE, AISession(actions=(*waiting, IS_KEPT)))
    assert refused.value.field == "SessionId"


def test_the_actions_of_a_session_have_a_length_at_most() -> None:
    half = "x" * (ACTIONS_LENGTH // 2)
    name = len(PROPOSE.function_name)
    waiting = (replace(WAITS, action_id="w", function_name="", arguments=half, description=None),)
    fits = replace(PROPOSE, arguments=None, description=half[name:])
    assert len(decide(fits, AISession(actions=waiting))) == 1
    with pytest.raises(InvalidField, match=str(ACTIONS_LENGTH)) as refused:
        decide(replace(fits, arguments="x"), AISession(actions=waiting))
    assert refused.value.field == "SessionId"


@pytest.mark.parametrize(
    ("past", "events"),
    [
        ([], []),
        ([KEPT], []),
        ([PROPOSED], [AISessionApplied(action_ids=("x",))]),
        (
            [PROPOSED, KEPT, replace(PROPOSED, action_id="y")],
            [AISessionApplied(action_ids=("x", "y"))],
        ),
    ],
    ids=["no action", "none that can be applied", "one", "two of three"],
)
def test_a_session_is_applied_with_all_actions_that_can_be(
    past: Sequence[AISessionEvent], events: Sequence[AISessionEvent]
) -> None:
    assert decide(ApplyAISession(session_id=S7), state_after(CREATED, *past)) == events


@pytest.mark.parametrize(
    ("past", "events"),
    [
        ([], []),
        ([KEPT], [AISessionActionsCleared()]),
        ([PROPOSED, AISessionActionsCleared()], []),
    ],
    ids=["no action", "one", "none any more"],
)
def test_actions_are_cleared_where_there_are_any(
    past: Sequence[AISessionEvent], events: Sequence[AISessionEvent]
) -> None:
    assert decide(ClearAISessionActions(session_id=S7), state_after(CREATED, *past)) == events


def test_an_action_that_waits_is_deleted() -> None:
    command = DeleteAISessionAction(session_id=S7, action_id="x")
    events = decide(command, state_after(CREATED, KEPT, PROPOSED))
    assert events == [AISessionActionDeleted(action_id="x")]


@pytest.mark.parametrize(
    "past",
    [[], [KEPT], [PROPOSED, AISessionApplied(action_ids=("x",))]],
    ids=["no action", "another", "applied"],
)
def test_an_action_that_does_not_wait_is_not_found(past: Sequence[AISessionEvent]) -> None:
    command = DeleteAISessionAction(session_id=S7, action_id="x")
    with pytest.raises(NotFound, match="AISessionAction x does not exist"):
        decide(command, state_after(CREATED, *past))


@pytest.mark.parametrize(
    ("past", "actions"),
    [
        ([PROPOSED, KEPT], (WAITS, IS_KEPT)),
        ([KEPT, replace(PROPOSED, arguments="{}")], (IS_KEPT, replace(WAITS, arguments="{}"))),
        ([PROPOSED, KEPT, AISessionApplied(action_ids=("x",))], (IS_KEPT,)),
        ([PROPOSED, KEPT, AISessionActionsCleared()], ()),
        ([PROPOSED, KEPT, AISessionActionDeleted(action_id="kept")], (WAITS,)),
        ([PROPOSED, AISessionActionsCleared(), PROPOSED], (WAITS,)),
    ],
    ids=["two", "with arguments", "applied", "cleared", "deleted", "proposed again"],
)
def test_actions_wait_in_the_order_in_which_they_were_proposed(
    past: Sequence[AISessionEvent], actions: Sequence[SessionAction]
) -> None:
    state = state_after(CREATED, *past)
    assert state is not None
    assert state.actions == actions


@pytest.mark.parametrize(
    ("state", "document"),
    [
        (AISession(), b"{}"),
        (AISession(account_id="a1", purpose=""), b'{"account_id":"a1","purpose":""}'),
        (
            AISession(actions=(WAITS, replace(IS_KEPT, arguments="{}"))),
            b'{"actions":[{"action_id":"x","proposed_at":"2026-11-21T12:00:00Z",'
            b'"function_name":"setQueue"},{"action_id":"kept","proposed_at":"2026-11-21T12:00:00Z",'
            b'"function_name":"setQueue","arguments":"{}","can_be_applied":false}]}',
        ),
    ],
    ids=["nothing", "no action", "actions"],
)
def test_a_document_holds_what_is_not_at_its_default(state: AISession, document: bytes) -> None:
    assert msgspec.json.encode(state) == document
    assert msgspec.json.decode(document, type=AISession) == state


def test_what_an_action_does_is_personal() -> None:
    assert AISessionActionProposed.personal == {"arguments", "description"}
