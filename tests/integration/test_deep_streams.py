"""A stream of very many events: nobody waits for it, and memory is bounded."""

import asyncio
from collections.abc import Callable

import asyncpg
import pytest
from support import given
from support.chats import KIM, by, open_session
from support.deep import deepen_ai, deepen_chat
from support.deep_reads import DEEP, Statements, aggregates, longest_turn, stream_of

from app.log.read import STREAM_PAGE_EVENTS
from app.service import Service
from domain.chat.enums import ChatMessageType
from domain.chat.fields import ChatSessionFields
from domain.chat.message import ChatMessage
from domain.errors import NotFound
from domain.ids import AISessionId, StreamId, chat_session_stream

HELLO = ChatMessage(type=ChatMessageType.TO_USER, message="Hello", author="Sam")


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
    parts = []
    for _ in range(3):  # (A turn may be held up; too long a slice is so each time.)
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
        parts.append(longest / whole)
    assert min(parts) < 1 / 30
