"""A stream of very many events: retries are answered, nobody waits for it, memory is bounded."""

import asyncio
import gc
import os
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from msgspec import json
from support import given
from support.batches import creation, keyed, patch
from support.chats import KIM, by, open_session
from support.deep import deepen_ai, deepen_chat
from support.seen import without_replay

from app.cli.output import print_steps
from app.commands.repository import Repository
from app.database.pool import Pool
from app.history.replay import replay
from app.log.errors import Unreadable
from app.log.keyring import Keyring
from app.log.read import LOOK_BACK_EVENTS, STREAM_PAGE_EVENTS
from app.maintenance.store import Connection
from app.service import Service
from domain.ai_session import ClearAISessionActions, ProposeAISessionAction
from domain.chat.enums import ChatMessageType
from domain.chat.message import ChatMessage
from domain.chat.session import ChatSessionFields
from domain.errors import NotFound
from domain.ids import AISessionId, StreamId, chat_session_stream

DEEP = int(os.environ.get("TEST_DEEP_EVENTS", "10000"))
"""What a stream has; many more take minutes."""
HELLO = ChatMessage(type=ChatMessageType.TO_USER, message="Hello", author="Sam")


class Statements:
    """Counts what a pool is asked, and the most rows that it was answered."""

    def __init__(self, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.rows = 0
        self._fetch = pool.fetch
        monkeypatch.setattr(pool, "fetch", self._counted)

    async def _counted(
        self, sql: str, *arguments: object, timeout_s: float | None = None
    ) -> Sequence[asyncpg.Record]:
        self.count += 1
        rows = await self._fetch(sql, *arguments, timeout_s=timeout_s)
        self.rows = max(self.rows, len(rows))
        return rows


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Callable[[Service], Statements]:
    return lambda service: Statements(service.pool, monkeypatch)


@pytest.fixture
async def session(service: Service) -> AISessionId:
    return given.session_of(await given.open_ai_session(service))


async def longest_turn(work: asyncio.Task[Any]) -> tuple[float, float]:
    """The most that the loop computed in one go while some work went on, and all that it did."""
    gc.collect()
    gc.disable()  # what other tests left takes it longer than a slice
    try:
        began = last = time.thread_time()
        longest = 0.0
        while not work.done():
            await asyncio.sleep(0)
            now = time.thread_time()
            longest, last = max(longest, now - last), now
        return longest, last - began
    finally:
        gc.enable()


async def test_a_retry_is_answered_as_of_then_while_others_go_on(
    service: Service, other_service: Service, owner: asyncpg.Connection, session: AISessionId,
    watch: Callable[[Service], Statements],
) -> None:  # fmt: skip
    stream = stream_of(session)
    await deepen_ai(owner, stream, DEEP)
    first = await given.patch_ai_session(service, session, "mine", given.call(key="k"))
    await deepen_ai(owner, stream, DEEP)
    watched = watch(other_service)
    retry = asyncio.ensure_future(
        given.patch_ai_session(other_service, session, "mine", given.call(key="k"))
    )
    longest, whole = await longest_turn(retry)
    again = retry.result()
    assert (again.folded, again.replayed) == (first.folded, True)
    assert watched.rows <= STREAM_PAGE_EVENTS
    assert longest < whole / 10


@pytest.mark.parametrize("version", [1, 2, 3, 251, 252, DEEP + 1])
async def test_any_version_is_what_it_was(
    service: Service, owner: asyncpg.Connection, session: AISessionId, version: int
) -> None:
    stream = stream_of(session)
    await deepen_ai(owner, stream, DEEP)
    past = await aggregates(service).as_of("ai_session", stream, version)
    assert past.version == version
    assert past.state.purpose == ("triage" if version == 1 else f"at {version}")
    assert past.audit.created_by == "kim"
    assert past.audit.modified_by == ("kim" if version == 1 else "eve")


async def test_the_present_version_comes_from_the_row(
    service: Service, other_service: Service, owner: asyncpg.Connection, session: AISessionId,
    watch: Callable[[Service], Statements],
) -> None:  # fmt: skip
    await deepen_ai(owner, stream_of(session), DEEP)
    first = await given.patch_ai_session(service, session, "mine", given.call(key="k"))
    watched = watch(other_service)
    again = await given.patch_ai_session(other_service, session, "mine", given.call(key="k"))
    assert (again.folded, again.replayed) == (first.folded, True)
    assert watched.count < 10


async def test_what_one_who_lost_patience_asked_for_is_there_when_he_asks_again(
    service: Service, other_service: Service, owner: asyncpg.Connection, session: AISessionId,
    watch: Callable[[Service], Statements],
) -> None:  # fmt: skip
    stream = stream_of(session)
    await deepen_ai(owner, stream, DEEP)
    first = await given.patch_ai_session(service, session, "mine", given.call(key="k"))
    await given.patch_ai_session(service, session, "others")
    watched = watch(other_service)
    for _ in range(3):
        retry = asyncio.ensure_future(
            given.patch_ai_session(other_service, session, "mine", given.call(key="k"))
        )
        seen = watched.count
        while watched.count < seen + 8 and not retry.done():
            await asyncio.sleep(0)
        retry.cancel()
        await asyncio.gather(retry, return_exceptions=True)
    again = await given.patch_ai_session(other_service, session, "mine", given.call(key="k"))
    assert again.folded == first.folded
    assert watched.count < DEEP / STREAM_PAGE_EVENTS + 40  # read once, not four times


async def test_a_deleted_stream_is_not_read(
    service: Service, other_service: Service, owner: asyncpg.Connection, session: AISessionId,
    watch: Callable[[Service], Statements],
) -> None:  # fmt: skip
    chat = await open_session(service)
    await deepen_ai(owner, stream_of(session), DEEP)
    await deepen_chat(owner, chat_session_stream(chat), DEEP)
    first = await given.delete_ai_session(service, session, given.call(key="k"))
    await service.chat.delete(chat, given.call(key="c"))
    watched = watch(other_service)
    with pytest.raises(NotFound):
        await given.patch_ai_session(other_service, session, "more")
    with pytest.raises(NotFound):
        await other_service.chat.update(chat, ChatSessionFields(), given.call())
    with pytest.raises(NotFound):
        await other_service.chat.add_message(chat, HELLO, by(KIM))
    again = await given.delete_ai_session(other_service, session, given.call(key="k"))
    assert (again.folded, again.replayed) == (first.folded, True)
    assert (await other_service.chat.delete(chat, given.call(key="c"))).replayed
    assert watched.count < 40


async def test_nobody_waits_for_the_answer_to_a_batch_that_is_sent_again(
    service: Service, other_service: Service, owner: asyncpg.Connection, session: AISessionId
) -> None:
    stream = stream_of(session)
    await deepen_ai(owner, stream, DEEP)
    batch = keyed([patch(session, "mine"), creation()])
    first = await service.commands.handle_all(batch)
    last = await deepen_ai(owner, stream, DEEP)
    retry = asyncio.ensure_future(other_service.commands.handle_all(batch))
    await asyncio.sleep(0)  # it has its turn
    answer = await given.patch_ai_session(other_service, session, "others")
    assert answer.folded.version == last + 1
    assert not retry.done()
    assert [without_replay(again) for again in await retry] == first


async def test_what_was_folded_is_not_told_without_the_key(
    service: Service, owner: asyncpg.Connection
) -> None:
    session = given.session_of(await given.open_ai_session(service, purpose=None))
    await given.patch_ai_session(service, session, "personal")  # between two that are not
    action = ProposeAISessionAction(
        session_id=session, action_id="a", proposed_at=datetime.now(UTC), function_name="call"
    )
    await service.commands.handle(action, given.call())
    await service.commands.handle(ClearAISessionActions(session_id=session), given.call())
    await given.patch_ai_session(service, session, "later")
    known, stream = aggregates(service), stream_of(session)
    assert (await known.as_of("ai_session", stream, 4)).state.purpose == "personal"
    await owner.execute("DELETE FROM stream_key WHERE stream_id = $1", stream)
    with pytest.raises(Unreadable, match="key of the stream is gone"):
        await known.as_of("ai_session", stream, 4)


async def test_a_stream_without_its_row_is_folded_in_pages(
    service: Service, other_service: Service, owner: asyncpg.Connection, session: AISessionId,
    watch: Callable[[Service], Statements],
) -> None:  # fmt: skip
    stream = stream_of(session)
    last = await deepen_ai(owner, stream, DEEP)
    await owner.execute("DELETE FROM ai_session_info")
    watched = watch(other_service)
    answer = await given.patch_ai_session(other_service, session, "more")
    assert (answer.folded.version, answer.folded.state.purpose) == (last + 1, "more")
    assert watched.rows <= STREAM_PAGE_EVENTS


async def test_small_streams_do_not_wait_for_a_deep_one(
    service: Service, owner: asyncpg.Connection, session: AISessionId
) -> None:
    small = [await given.open_ai_session(service) for _ in range(20)]
    for each in small:
        await given.patch_ai_session(service, given.session_of(each), "second")
    await deepen_ai(owner, stream_of(session), DEEP)
    known = aggregates(service)
    done: list[str] = []

    async def read(name: str, stream: StreamId, version: int) -> None:
        await known.as_of("ai_session", stream, version)
        done.append(name)

    await asyncio.gather(
        read("deep", stream_of(session), DEEP),
        *(read("small", each.folded.stream, 1) for each in small),
    )
    assert done == ["small"] * 20 + ["deep"]


async def test_several_deep_ones_compute_one_slice_at_a_time(
    service: Service, owner: asyncpg.Connection, session: AISessionId
) -> None:
    await deepen_ai(owner, stream_of(session), DEEP)
    known = aggregates(service)
    work = asyncio.ensure_future(
        asyncio.gather(
            *(
                known.as_of("ai_session", stream_of(session), DEEP // 2 + number)
                for number in range(6)
            )
        )
    )
    longest, whole = await longest_turn(work)
    assert [past.version for past in work.result()] == [DEEP // 2 + n for n in range(6)]
    assert longest < whole / 30


async def test_few_messages_among_very_many_events_are_found(
    service: Service, other_service: Service, owner: asyncpg.Connection
) -> None:
    talk = await open_session(service)
    early, _ = await service.chat.add_message(talk, HELLO, by(KIM, "early"))
    await deepen_chat(owner, chat_session_stream(talk), 3 * LOOK_BACK_EVENTS)
    late, _ = await other_service.chat.add_message(talk, HELLO, by(KIM))
    assert await service.chat.messages(talk, 0) == [early, late]
    assert await service.chat.messages(talk, early.chat_message_id) == [late]
    empty = await open_session(service)
    assert await service.chat.messages(empty, 0) == []


async def test_a_retry_of_an_old_message_reads_only_that(
    service: Service, other_service: Service, watch: Callable[[Service], Statements]
) -> None:
    talk = await open_session(service)
    early, _ = await service.chat.add_message(talk, HELLO, by(KIM, "early"))
    for _ in range(120):
        await service.chat.add_message(talk, HELLO, by(KIM))
    watched = watch(other_service)
    again, answer = await other_service.chat.add_message(talk, HELLO, by(KIM, "early"))
    assert (again, answer.replayed) == (early, True)
    assert watched.count < 12
    assert watched.rows <= 2


@pytest.mark.parametrize("until", ["a version", "a time", "none"])
async def test_a_replay_reads_what_it_shows(
    service: Service, store: Connection, owner: asyncpg.Connection, session: AISessionId,
    keyring: Keyring, monkeypatch: pytest.MonkeyPatch, until: str,
) -> None:  # fmt: skip
    stream = stream_of(session)
    await deepen_ai(owner, stream, 299)
    then = await owner.fetchval("SELECT recorded_at FROM log_partition")
    last = await deepen_ai(owner, stream, 1_000)
    as_of = {"a version": 300, "a time": then, "none": None}[until]
    rows = 0
    ask = store.ask

    async def counted(sql: str, *arguments: object) -> Sequence[asyncpg.Record]:
        nonlocal rows
        found = await ask(sql, *arguments)
        rows += len(found)
        return found

    monkeypatch.setattr(store, "ask", counted)
    steps = [step async for step in replay(store, keyring, stream, as_of)]
    shown = last if as_of is None else 300
    assert [step.version for step in steps] == list(range(1, shown + 1))
    assert steps[-1].state.purpose == f"at {shown}"
    assert json.decode(steps[0].metadata)["roles"] == ["SystemAdministrator"]
    more = STREAM_PAGE_EVENTS if until == "a time" else 0
    assert rows <= 2 * (shown + more) + 2


@pytest.mark.parametrize("output", ["json", "ndjson", "table"])
async def test_a_replay_is_printed_as_it_is_found(
    service: Service, store: Connection, owner: asyncpg.Connection, session: AISessionId,
    keyring: Keyring, capsys: pytest.CaptureFixture[str], output: str,
) -> None:  # fmt: skip
    stream = stream_of(session)
    await deepen_ai(owner, stream, 2)
    steps = [step async for step in replay(store, keyring, stream, None)]
    assert await print_steps(replay(store, keyring, stream, None), output) == 3
    out = capsys.readouterr().out
    if output == "json":
        assert out == json.format(json.encode(steps)).decode() + "\n"
    elif output == "ndjson":
        assert out.encode() == b"".join(json.encode(step) + b"\n" for step in steps)
    else:
        assert out.count("ai_session.patched.v1") == 2
    assert await print_steps(replay(store, keyring, stream, 0), output) == 0
    assert capsys.readouterr().out == ""


def stream_of(session: AISessionId) -> StreamId:
    return StreamId(UUID(session))


def aggregates(service: Service) -> Repository:
    """What a worker knows that has just started."""
    return Repository(service.log, service.settings)
