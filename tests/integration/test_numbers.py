"""Sequences behind the log are passed over, and moved; of chats and of messages."""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest
from support import given
from support.chats import KIM, by, open_session, session
from support.database import SEVERAL
from support.numbers import create, insert_deleted, leave, make_last, set_back

from app.chat.numbers import MESSAGES, SESSIONS
from app.chat.numbers import SQL as NUMBERS
from app.log.errors import NumbersUsedUp
from app.service import Service, open_service
from app.settings import Settings
from domain.chat.enums import ChatMessageType
from domain.chat.message import ChatMessage
from domain.ids import ChatSessionId, StreamId, chat_session_stream, partition_of

HELLO = ChatMessage(type=ChatMessageType.TO_USER, message="Hello", author="Sam")


async def last_drawn(owner: asyncpg.Connection, sequence: str) -> int:
    return int(await owner.fetchval("SELECT last_drawn_1($1)", sequence) or 0)


async def pass_over(service: Service, stream: StreamId, number: int) -> None:
    statement = NUMBERS["pass_over_sessions"]
    await service.pool.ask(statement, service.log.partition(stream), stream, number)


async def test_a_sequence_behind_the_log_is_passed_over_by_two_at_once(
    service: Service, owner: asyncpg.Connection, fresh: tuple[Service, Service]
) -> None:
    before = [await create(service) for _ in range(50)]
    for number in before[30:]:
        await service.chat.delete(number, given.call())
    await set_back(owner, SESSIONS)
    made = await asyncio.gather(*(create(each) for _ in range(40) for each in fresh))
    assert len({*before, *made}) == 50 + 80
    assert min(made) > max(before)


@pytest.mark.parametrize(
    "taken",
    [
        range(1, 4_001),
        [*range(1, 500), *range(560, 900)],
        [1, 2, *range(2_000_000, 2_000_300)],
        range(1, 2),
    ],
    ids=["many deleted", "with a gap of stopped workers", "far away", "one"],
)
async def test_numbers_of_deleted_sessions_are_passed_over_in_few_steps(
    owner: asyncpg.Connection,
    fresh: tuple[Service, Service],
    monkeypatch: pytest.MonkeyPatch,
    taken: Sequence[int],
) -> None:
    await insert_deleted(owner, taken)
    asked = 0
    pool = fresh[0].pool
    fetch = pool.fetch

    async def counted(*arguments: Any, **named: Any) -> object:
        nonlocal asked
        asked += 1
        return await fetch(*arguments, **named)

    monkeypatch.setattr(pool, "fetch", counted)
    made = [await create(fresh[0]) for _ in range(3)]
    assert not {*made} & {*taken}
    assert asked < 80


async def test_a_sequence_is_moved_forward_only_and_not_beyond_what_is_taken(
    service: Service, owner: asyncpg.Connection
) -> None:
    taken = await create(service)
    drawn = await last_drawn(owner, SESSIONS)
    for stream, number in [
        (chat_session_stream(taken), taken),
        (chat_session_stream(taken), drawn + 100),
        (chat_session_stream(ChatSessionId(drawn + 100)), drawn + 100),
    ]:
        await pass_over(service, stream, number)
        assert await last_drawn(owner, SESSIONS) == drawn
    await set_back(owner, SESSIONS)
    await pass_over(service, chat_session_stream(taken), taken)
    assert await last_drawn(owner, SESSIONS) == taken


async def test_the_service_cannot_set_a_sequence(service: Service) -> None:
    for statement in (
        "SELECT setval('chat_session_number', 7)",
        "SELECT move_sequence_1('chat_session_number', 7)",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await service.pool.ask(statement)


async def test_no_number_is_drawn_twice_while_the_sequence_is_moved(
    service: Service, owner: asyncpg.Connection
) -> None:
    await insert_deleted(owner, range(1, 2_001))
    streams = [(chat_session_stream(ChatSessionId(n)), n) for n in range(10, 2_001, 10)]
    drawn: list[int] = []

    async def draw() -> None:
        for _ in range(100):
            (row,) = await service.pool.ask("SELECT draw_numbers_1($1, 10)", SESSIONS)
            drawn.extend(row[0])

    async def move() -> None:
        for stream, number in streams:
            await pass_over(service, stream, number)

    await asyncio.gather(draw(), draw(), move(), move())
    assert len(drawn) == len(set(drawn)) == 2_000


@pytest.mark.parametrize("partitions", [1, SEVERAL])
async def test_a_retry_finds_its_first_answer_whatever_the_sequence_says(
    settings: Settings, owner: asyncpg.Connection, partitions: int
) -> None:
    one = await open_service(settings)
    keys = [f"key {number}" for number in range(6)]
    first = [await create(one, key) for key in keys]
    await set_back(owner, SESSIONS)
    two = await open_service(settings)
    again = await asyncio.gather(*(create(two, key) for key in keys))
    others = await asyncio.gather(*(create(two, f"other {key}") for key in keys))
    await leave(owner, SESSIONS, 0)
    three = await open_service(settings)
    at_the_end = [await create(three, key) for key in keys]
    with pytest.raises(NumbersUsedUp):
        await create(three, "new")
    for each in (one, two, three):
        await each.close()
    assert first == again == at_the_end
    assert not {*others} & {*first}
    homes = {partition_of(chat_session_stream(number), partitions) for number in first}
    assert homes <= set(range(partitions))


async def test_messages_after_a_reset_have_larger_ids_than_those_before(
    service: Service, owner: asyncpg.Connection, fresh: tuple[Service, Service]
) -> None:
    talk = await open_session(service)
    other = await open_session(service)
    await make_last(owner, MESSAGES, 5_000)
    before, _ = await service.chat.add_message(talk, HELLO, by(KIM, "k"))
    await service.chat.add_message(other, HELLO, by(KIM))
    await set_back(owner, MESSAGES)
    posted = await asyncio.gather(
        *(each.chat.add_message(talk, HELLO, by(KIM)) for _ in range(5) for each in fresh)
    )
    again, _ = await fresh[0].chat.add_message(talk, HELLO, by(KIM, "k"))
    assert again == before
    numbers = [message.chat_message_id for message in await service.chat.messages(talk, 0)]
    assert numbers == sorted({before.chat_message_id, *(m.chat_message_id for m, _ in posted)})
    assert len(numbers) == 11
    assert await last_drawn(owner, MESSAGES) < 5_100
    held = await session(service, talk)
    assert held.last_message_id == numbers[-1]


async def test_message_numbers_are_moved_by_what_a_session_has_only(
    service: Service, owner: asyncpg.Connection
) -> None:
    talk = await open_session(service)
    for stream in (chat_session_stream(talk), chat_session_stream(ChatSessionId(99))):
        await service.pool.ask(NUMBERS["pass_over_messages"], service.log.partition(stream), stream)
    assert await last_drawn(owner, MESSAGES) == 0


async def test_a_batch_of_appends_with_a_taken_number_does_the_others(
    service: Service, owner: asyncpg.Connection, fresh: tuple[Service, Service]
) -> None:
    """Numbers that are taken share a commit with commands that have nothing to do with them."""
    await asyncio.gather(*(create(service) for _ in range(5)))
    await set_back(owner, SESSIONS)
    await asyncio.gather(
        *(create(fresh[0]) for _ in range(5)), *(given.open_ai_session(fresh[0]) for _ in range(20))
    )
    assert await owner.fetchval("SELECT count(*) FROM ai_session_info") == 20
    assert await owner.fetchval("SELECT count(*) FROM chat_session_entity") == 10
