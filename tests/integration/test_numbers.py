"""Sequences behind the log are passed over, those used up refused; of chats and of messages."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence

import asyncpg
import pytest
from support import given
from support.chats import KIM, QUEUED, by, open_session, session
from support.database import SEVERAL
from support.deep import unchecked

from app.chat.numbers import MAX_NUMBER, MESSAGES, SESSIONS
from app.log.errors import NumbersUsedUp
from app.service import Service, open_service
from app.settings import Settings
from app.telemetry import metrics
from domain.chat.enums import ChatMessageType
from domain.chat.message import ChatMessage
from domain.errors import NotFound
from domain.ids import ChatSessionId, chat_session_stream, partition_of

HELLO = ChatMessage(type=ChatMessageType.TO_USER, message="Hello", author="Sam")


async def set_back(owner: asyncpg.Connection, sequence: str) -> None:
    await owner.execute("SELECT setval($1::text::regclass, 1, false)", sequence)


async def leave(owner: asyncpg.Connection, sequence: str, numbers: int) -> None:
    await owner.execute("SELECT setval($1::text::regclass, $2)", sequence, MAX_NUMBER - numbers)


async def last_drawn(owner: asyncpg.Connection, sequence: str) -> int:
    return int(
        await owner.fetchval("SELECT pg_sequence_last_value($1::text::regclass)", sequence) or 0
    )


async def insert_deleted(owner: asyncpg.Connection, numbers: Sequence[int]) -> None:
    """Streams of sessions that were there once, as a deletion leaves them: without a row."""
    await unchecked(owner)
    first = await owner.fetchval("SELECT position FROM log_partition")
    streams = [chat_session_stream(ChatSessionId(number)) for number in numbers]
    await owner.execute(
        """
        INSERT INTO stored_events
        SELECT 0, n.stream, v.version, v.topic,
               CASE v.version WHEN 1
                    THEN convert_to(format('{"chat_session_id":%s}', n.number), 'UTF8')
                    ELSE '{}' END,
               $3 + 2 * (n.i - 1) + v.version, gen_random_uuid(), now(), 'kim', '{}'
          FROM unnest($1::integer[], $2::uuid[]) WITH ORDINALITY AS n(number, stream, i)
         CROSS JOIN (VALUES (1, 'chat_session.created.v1'), (2, 'chat_session.deleted.v1'))
               AS v(version, topic)
        """,
        list(numbers),
        streams,
        first,
    )
    await owner.execute(
        "UPDATE log_partition SET position = $1, recorded_at = now()", first + 2 * len(numbers)
    )


@pytest.fixture
async def fresh(settings: Settings) -> AsyncIterator[tuple[Service, Service]]:
    """Two workers that start after the sequences were moved."""
    one, two = await open_service(settings), await open_service(settings)
    yield one, two
    await one.close()
    await two.close()


async def create(service: Service, key: str | None = None) -> ChatSessionId:
    answer = await service.new_chat_session(QUEUED, given.call("sam", key=key))
    return ChatSessionId(answer.folded.state.chat_session_id)


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

    async def counted(*arguments: object, **named: object) -> object:
        nonlocal asked
        asked += 1
        return await fetch(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(pool, "fetch", counted)
    made = [await create(fresh[0]) for _ in range(3)]
    assert not {*made} & {*taken}
    assert asked < 80


async def test_a_sequence_is_moved_forward_only_and_not_beyond_what_is_taken(
    service: Service, owner: asyncpg.Connection
) -> None:
    taken = await create(service)
    drawn = await last_drawn(owner, SESSIONS)
    call = "SELECT pass_over_session_numbers_1(0, $1, $2)"
    for stream, number in [
        (chat_session_stream(taken), taken),
        (chat_session_stream(taken), drawn + 100),
        (chat_session_stream(ChatSessionId(drawn + 100)), drawn + 100),
    ]:
        await service.pool.ask(call, stream, number)
        assert await last_drawn(owner, SESSIONS) == drawn
    await set_back(owner, SESSIONS)
    await service.pool.ask(call, chat_session_stream(taken), taken)
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
            await service.pool.ask("SELECT pass_over_session_numbers_1(0, $1, $2)", stream, number)

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


async def test_all_numbers_are_given_out_to_the_last(
    owner: asyncpg.Connection, fresh: tuple[Service, Service]
) -> None:
    await leave(owner, SESSIONS, 45)
    made = await asyncio.gather(
        *(create(each) for _ in range(40) for each in fresh), return_exceptions=True
    )
    numbers = [each for each in made if isinstance(each, int)]
    refused = [each for each in made if not isinstance(each, int)]
    # What one worker has drawn ahead, another cannot have.
    while len(numbers) < 45:
        for each in fresh:
            try:
                numbers.append(await create(each))
            except NumbersUsedUp as error:
                refused.append(error)
    assert sorted(numbers) == list(range(MAX_NUMBER - 44, MAX_NUMBER + 1))
    assert {type(each) for each in refused} == {NumbersUsedUp}
    assert str(MAX_NUMBER) in str(refused[0])


async def test_a_refused_creation_uses_no_number(
    owner: asyncpg.Connection, service: Service
) -> None:
    await leave(owner, SESSIONS, 2)
    first = await create(service, "key")
    for _ in range(3):
        assert await create(service, "key") == first
    assert await create(service) == MAX_NUMBER


async def test_it_is_told_long_before_that_numbers_run_out(
    service: Service, owner: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sessionary")
    await create(service)
    assert "run out" not in caplog.text
    await leave(owner, SESSIONS, MAX_NUMBER // 11)
    for _ in range(40):
        await create(service)
    assert caplog.text.count("Numbers run out: chat_session_number has used 90.9 %") == 1
    text = metrics.text(None).decode()
    assert 'sessionary_numbers_used_ratio{sequence="chat_session_number"} 0.909' in text


async def test_messages_after_a_reset_have_larger_ids_than_those_before(
    service: Service, owner: asyncpg.Connection, fresh: tuple[Service, Service]
) -> None:
    talk = await open_session(service)
    other = await open_session(service)
    await owner.execute("SELECT setval('chat_message_number', 5000)")
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
    call = "SELECT pass_over_message_numbers_1(0, $1)"
    await service.pool.ask(call, chat_session_stream(talk))
    await service.pool.ask(call, chat_session_stream(ChatSessionId(99)))
    assert await last_drawn(owner, MESSAGES) == 0


async def test_a_sequence_that_goes_on_behind_the_last_number_is_used_up_all_the_same(
    owner: asyncpg.Connection, fresh: tuple[Service, Service]
) -> None:
    for sequence in (SESSIONS, MESSAGES):
        await owner.execute(f"ALTER SEQUENCE {sequence} AS bigint MAXVALUE 9223372036854775807")
        await leave(owner, sequence, 1)
    number = await create(fresh[0])
    assert number == MAX_NUMBER
    with pytest.raises(NumbersUsedUp, match="chat sessions"):
        await create(fresh[0])
    with pytest.raises(NumbersUsedUp, match="chat sessions"):
        await create(fresh[1])
    await fresh[0].chat.add_message(ChatSessionId(number), HELLO, by(KIM))
    with pytest.raises(NumbersUsedUp, match="chat messages"):
        await fresh[0].chat.add_message(ChatSessionId(number), HELLO, by(KIM))


async def test_a_sequence_that_ends_before_what_the_log_has_is_used_up(
    owner: asyncpg.Connection, fresh: tuple[Service, Service]
) -> None:
    await owner.execute("SELECT setval($1::text::regclass, 200)", SESSIONS)
    assert await create(fresh[0]) == 201
    await set_back(owner, SESSIONS)
    await owner.execute(f"ALTER SEQUENCE {SESSIONS} MAXVALUE 50")
    await insert_deleted(owner, range(1, 60))
    with pytest.raises(NumbersUsedUp):
        await create(fresh[1])


async def test_messages_are_posted_up_to_the_last_number(
    owner: asyncpg.Connection, fresh: tuple[Service, Service]
) -> None:
    talk = await open_session(fresh[0])
    await leave(owner, MESSAGES, 3)
    first = await fresh[0].chat.add_message(talk, HELLO, by(KIM, "k"))
    for each in fresh:
        await each.chat.add_message(talk, HELLO, by(KIM))
    with pytest.raises(NumbersUsedUp, match="chat messages"):
        await fresh[1].chat.add_message(talk, HELLO, by(KIM))
    again = await fresh[1].chat.add_message(talk, HELLO, by(KIM, "k"))
    assert again[0] == first[0]
    numbers = [message.chat_message_id for message in await fresh[0].chat.messages(talk, 0)]
    assert numbers == [MAX_NUMBER - 2, MAX_NUMBER - 1, MAX_NUMBER]
    with pytest.raises(NotFound):
        await fresh[0].chat.delete(ChatSessionId(98), given.call())


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
