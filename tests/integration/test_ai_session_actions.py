"""Actions wait in a session until they are applied or dropped: in its row, sealed in the log."""

from datetime import UTC, datetime

import asyncpg
import pytest
from support import given
from support.seen import state_of

from app.commands.context import CommandResult, Generated
from app.history.replay import replay
from app.integrity.verify import verify
from app.log.keyring import Keyring
from app.maintenance.store import Connection
from app.rebuild.rebuild import named, rebuild
from app.service import Service
from domain.ai_session import (
    ApplyAISession,
    ClearAISessionActions,
    Command,
    DeleteAISessionAction,
    ProposeAISessionAction,
    SessionAction,
)
from domain.errors import NotFound
from domain.ids import AISessionId, ai_session_stream

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
async def session(service: Service) -> AISessionId:
    return given.session_of(await given.open_ai_session(service))


def propose(
    session: AISessionId, action: str, *, can_be_applied: bool = True
) -> ProposeAISessionAction:
    return ProposeAISessionAction(
        session_id=session,
        action_id=action,
        proposed_at=NOON,
        function_name="setQueue",
        arguments='{"queue": "Zürich"}',
        description="Moves Kim to Zürich",
        can_be_applied=can_be_applied,
    )


async def do(service: Service, *commands: Command) -> CommandResult:
    for command in commands:
        answer = await service.commands.handle(command, given.call())
    return answer


async def waiting(service: Service, session: AISessionId) -> list[SessionAction]:
    """Those that the view shows."""
    stream = ai_session_stream(session)
    assert stream is not None
    row = await service.views.get("ai_session", stream)
    assert row is not None
    return list(row.folded.state.actions)


def ids(actions: list[SessionAction]) -> list[str]:
    return [action.action_id for action in actions]


def silent(_done: int, _total: int) -> None:
    """Progress that nobody looks at."""


async def test_a_proposed_action_waits_in_the_view(
    service: Service, other_service: Service, session: AISessionId
) -> None:
    answer = await do(service, propose(session, "x"))
    expected = SessionAction(
        action_id="x",
        proposed_at=NOON,
        function_name="setQueue",
        arguments='{"queue": "Zürich"}',
        description="Moves Kim to Zürich",
    )
    assert list(answer.folded.state.actions) == [expected]
    assert await waiting(other_service, session) == [expected]


async def test_applying_takes_what_can_be_applied_and_leaves_the_rest(
    service: Service, other_service: Service, session: AISessionId
) -> None:
    await do(service, propose(session, "x"), propose(session, "kept", can_be_applied=False))
    await do(other_service, propose(session, "y"), ApplyAISession(session_id=session))
    assert ids(await waiting(service, session)) == ["kept"]


async def test_one_action_or_all_are_dropped(service: Service, session: AISessionId) -> None:
    await do(service, *(propose(session, action) for action in "xyz"))
    await do(service, DeleteAISessionAction(session_id=session, action_id="y"))
    assert ids(await waiting(service, session)) == ["x", "z"]
    await do(service, ClearAISessionActions(session_id=session))
    assert await waiting(service, session) == []


async def test_what_changes_nothing_appends_nothing(
    service: Service, session: AISessionId, owner: asyncpg.Connection
) -> None:
    await do(service, ApplyAISession(session_id=session), ClearAISessionActions(session_id=session))
    await do(service, propose(session, "kept", can_be_applied=False))
    answer = await do(service, ApplyAISession(session_id=session))
    with pytest.raises(NotFound, match="AISessionAction x does not exist"):
        await do(service, DeleteAISessionAction(session_id=session, action_id="x"))
    assert answer.folded.version == 2
    assert await owner.fetchval("SELECT count(*) FROM stored_events") == 2


async def test_a_session_without_actions_has_as_short_a_document_as_before(
    service: Service, session: AISessionId, owner: asyncpg.Connection
) -> None:
    await do(service, propose(session, "x"), ClearAISessionActions(session_id=session))
    assert await owner.fetchval("SELECT doc FROM ai_session_info") == '{"purpose": "triage"}'


async def test_what_an_action_does_is_sealed_in_the_log(
    service: Service, session: AISessionId, owner: asyncpg.Connection
) -> None:
    await do(service, propose(session, "x"))
    stored = await owner.fetchval(
        "SELECT convert_from(state, 'UTF8') FROM stored_events WHERE topic = $1",
        "ai_session.action_proposed.v1",
    )
    assert '"function_name":"setQueue"' in stored
    assert '"fields":["arguments","description"]' in stored
    assert "rich" not in stored


async def test_a_retry_proposes_once_whatever_was_drawn_for_it(
    service: Service, other_service: Service, session: AISessionId
) -> None:
    drawn = Generated(("action_id", "proposed_at"))
    first = await service.commands.handle(propose(session, "x"), given.call(key="k"), drawn)
    again = await other_service.commands.handle(propose(session, "y"), given.call(key="k"), drawn)
    assert (again.folded, again.replayed) == (first.folded, True)
    assert ids(await waiting(service, session)) == ["x"]


async def test_views_with_actions_are_verified_rebuilt_and_replayed(
    service: Service, session: AISessionId, store: Connection, keyring: Keyring
) -> None:
    await do(service, *(propose(session, action) for action in "wxyz"))
    await do(service, DeleteAISessionAction(session_id=session, action_id="w"))
    await do(service, ApplyAISession(session_id=session), propose(session, "last"))
    other = given.session_of(await given.open_ai_session(service))
    await do(service, propose(other, "x"), ClearAISessionActions(session_id=other))
    assert await verify(store, keyring, silent) == []
    rebuilt = await rebuild(store, keyring, named(["ai_session_info"]), silent)
    assert rebuilt.mended == {"ai_session_info": 0}
    assert await verify(store, keyring, silent) == []
    assert ids(await waiting(service, session)) == ["last"]
    stream = ai_session_stream(session)
    assert stream is not None
    steps = [step async for step in replay(store, keyring, stream, None)]
    assert [len(state_of(step)["actions"]) for step in steps] == [0, 1, 2, 3, 4, 3, 0, 1]
