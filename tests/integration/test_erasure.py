"""Personal data is erased everywhere at once, and nothing brings it back."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from msgspec.structs import replace
from support import given
from support.beside import silent
from support.erasures import CANARY, chatted, erased, everything, opened
from support.histories import catch_up, follower

from app.care.rotation import rotate
from app.erasure.erase import Eraser
from app.erasure.ground import require_reason
from app.history.one_event import Parts
from app.history.sessions import history, session_named
from app.integrity.verify import verify
from app.log.keyring import Keyring
from app.log.read import key_settings
from app.maintenance.store import connected
from app.rebuild.rebuild import named, rebuild
from app.service import Service, open_service
from app.settings import Settings
from domain.ai_session import ProposeAISessionAction
from domain.errors import InvalidField, OnHold, PersonalDataGone
from domain.event import Subject
from domain.hold import PlaceHold
from domain.ids import AISessionId, ChatSessionId, StreamId

ERASED = ["CustomerName", "CustomerEmail", "SessionKey"]


@pytest.fixture
async def other(service: Service, settings: Settings) -> AsyncIterator[Service]:
    """Another worker of the same log."""
    opened = await open_service(settings)
    yield opened
    await opened.close()


async def rows_of(owner: asyncpg.Connection) -> list[Any]:
    """The rows of the views of sessions."""
    return [
        await owner.fetch(f"SELECT stream_id, version, doc, search FROM {view} ORDER BY stream_id")
        for view in ("ai_session_info", "chat_session_entity")
    ]


async def shown(service: Service, session_id: str) -> list[Any]:
    session = await session_named(service.reader, session_id)
    parts = Parts(changed=True, state=True, clear=True)
    return [each async for each in history(service.reader, session.stream, parts=parts)]


async def test_it_is_gone_for_every_worker_at_once(
    service: Service, other: Service, owner: asyncpg.Connection
) -> None:
    session = await opened(service)
    await given.patch_ai_session(other, AISessionId(session), f"{CANARY} three")  # both remember it
    await catch_up(service)
    assert CANARY in await everything(owner)
    done = await erased(service, session)
    assert CANARY not in await everything(owner)
    (told,) = done.sessions
    assert (told.version, told.scopes[0].fields, told.scopes[0].events) == (4, ["purpose"], 3)
    for worker in (service, other):
        stream = (await session_named(worker.reader, session)).stream
        row = await worker.views.get("ai_session", stream)
        assert row is not None
        assert (row.folded.version, row.folded.state.purpose) == (4, None)
        events = await shown(worker, session)
        assert [event.data.get("purpose") for event in events] == [None] * 4
        assert [event.erased for event in events[:3]] == [["purpose"]] * 3
        assert all(event.state["purpose"] is None for event in events)
        assert events[-1].data["reason"] == "asked for"
        past = await worker.commands.aggregates.as_of("ai_session", stream, 2)
        assert past.state.purpose is None


async def test_nothing_more_is_taken_and_the_rest_goes_on(service: Service, other: Service) -> None:
    session = AISessionId(await opened(service))
    await given.patch_ai_session(other, session, "known to both")
    await erased(service, session)
    for worker in (other, service):
        with pytest.raises(PersonalDataGone, match="customer"):
            await given.patch_ai_session(worker, session, "back again")
    assert (await given.delete_ai_session(other, session)).folded.state.deleted


async def test_a_retry_of_what_was_done_before_is_answered_without_it(
    service: Service, other: Service
) -> None:
    session = AISessionId(await opened(service))
    await given.patch_ai_session(service, session, f"{CANARY} keyed", given.call(key="k1"))
    await erased(service, session)
    for worker in (service, other):
        again = await given.patch_ai_session(
            worker, session, f"{CANARY} keyed", given.call(key="k1")
        )
        assert again.replayed
        assert again.folded.state.purpose is None


async def test_erasing_again_changes_nothing_and_says_what_was_done(service: Service) -> None:
    session = await opened(service)
    first, again = await erased(service, session), await erased(service, session)
    assert again.sessions[0].erasure_id == first.erasure_id != again.erasure_id
    assert again.sessions[0].fence == first.sessions[0].fence
    assert len(await shown(service, session)) == 3


async def test_a_stream_that_never_had_a_key_gets_none(service: Service) -> None:
    session = given.session_of(await given.open_ai_session(service, purpose=None))
    (told,) = (await erased(service, session)).sessions
    assert (told.scopes[0].key_id, told.scopes[0].events) == (None, 0)
    with pytest.raises(PersonalDataGone):
        await given.patch_ai_session(service, session, "late")


@pytest.mark.parametrize("subject", ["customer", "agent"])
async def test_one_of_both_goes_and_the_other_stays(
    service: Service, owner: asyncpg.Connection, subject: Subject
) -> None:
    stays = {"customer": "agent", "agent": "customer"}[subject]
    chat = await chatted(service)
    await catch_up(service)
    done = await erased(service, chat, subject)
    assert [scope.subject for scope in done.sessions[0].scopes] == [subject]
    text = await everything(owner)
    assert f"{CANARY} {stays}" in text
    assert f"{CANARY} {subject}" not in text
    await erased(service, chat)
    assert CANARY not in await everything(owner)


async def test_what_follows_and_rebuilds_later_gives_the_same(
    service: Service, settings: Settings, owner: asyncpg.Connection, database_url: str
) -> None:
    """A follower that read it before may write it later; views and histories are as the log."""
    sessions = [await opened(service), await chatted(service)]
    behind = follower(service)
    assert await behind.round()
    await given.patch_ai_session(service, AISessionId(sessions[0]), f"{CANARY} once more")
    for session in sessions:
        await erased(service, session)
    await behind.round()
    await behind.stop()
    assert CANARY not in await everything(owner)
    keyring = Keyring(settings.master_key)
    async with connected(database_url) as store:
        keyring.adopt(await key_settings(store))
        assert await verify(store, keyring, silent) == []
        before = await rows_of(owner)
        await rebuild(store, keyring, named(()), silent)
    assert await rows_of(owner) == before
    assert CANARY not in await everything(owner)


async def test_an_erased_key_does_not_come_back_whoever_writes(
    service: Service, owner: asyncpg.Connection
) -> None:
    await opened(service)
    kept = await owner.fetchval("SELECT wrapped FROM stream_key")
    session = str(await owner.fetchval("SELECT stream_id FROM stream_key"))
    await erased(service, session)
    for statement in (
        "UPDATE stream_key SET wrapped = $1",
        "DELETE FROM stream_key WHERE wrapped <> $1",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="does not come back"):
            await owner.execute(statement, kept)


async def test_a_change_of_the_master_key_leaves_it_erased(
    service: Service, settings: Settings, database_url: str, owner: asyncpg.Connection
) -> None:
    chat = await chatted(service)
    await erased(service, chat, "customer")
    new = b"another master key of 32 bytes!!"
    async with connected(database_url) as store:
        keyring = Keyring(settings.master_key)
        keyring.adopt(await key_settings(store))
        assert (await rotate(store, keyring, new, silent, learn_s=0.1)).streams == 1
    again = await open_service(replace(settings, master_key=new))
    event = (await shown(again, chat))[0]
    assert (event.data["CustomerName"], event.erased) == (None, ERASED)
    assert f"{CANARY} agent" in str((await shown(again, chat))[1].data)
    await again.close()


async def test_actions_that_wait_and_messages_are_read_without_it(
    service: Service, other: Service
) -> None:
    session, chat = AISessionId(await opened(service)), await chatted(service)
    proposed = ProposeAISessionAction(
        session_id=session, action_id="1", proposed_at=datetime(2026, 11, 21, tzinfo=UTC),
        function_name="call", arguments=CANARY, description=CANARY,
    )  # fmt: skip
    await service.commands.handle(proposed, given.call())
    await erased(service, session)
    await erased(service, chat, "customer")
    for worker in (service, other):
        row = await worker.views.get("ai_session", StreamId(UUID(session)))
        assert row is not None
        (action,) = row.folded.state.actions
        assert (action.function_name, action.arguments, action.description) == ("call", None, None)
        last = (await shown(worker, session))[-1]
        assert sorted(last.erased) == ["actions", "purpose"]
        said = await worker.chat.messages(ChatSessionId(int(chat)), 0)
        assert [(each.message, each.author) for each in said] == [
            (None, None),
            (None, f"{CANARY} agent"),
        ]


async def test_what_is_on_hold_is_not_erased_nor_what_is_asked_for_with_it(
    service: Service,
) -> None:
    session, other = await opened(service), await opened(service)
    hold = PlaceHold(target=session, reason="a lawsuit")
    await service.commands.handle(hold, given.call())
    both = [await session_named(service.reader, each) for each in (other, session)]
    eraser = Eraser(service.log, service.reader, given.call(), "asked for")
    with pytest.raises(OnHold, match="a lawsuit"):
        await eraser.of_sessions(both, lambda _: ("customer",))
    assert all([len(await shown(service, each)) == 2 for each in (session, other)])


@pytest.mark.parametrize("reason", ["", "  ", None, "x" * 501, "asked by kim@example.com"])
def test_a_reason_is_needed_and_names_nobody(reason: object) -> None:
    with pytest.raises(InvalidField, match="reason"):
        require_reason(reason)
