"""A session whose customer has gone is closed, by one process, and the log says why."""

import asyncio
from datetime import datetime, timedelta

import asyncpg
import pytest
from msgspec.structs import replace
from support import given
from support.chats import (
    KIM,
    NOON,
    Clock,
    by,
    chat_by,
    found,
    open_queue,
    open_session,
    session,
)
from support.seen import topics

from app.chat.service import Chat
from app.chat.sweeper import SQL as SWEEP_SQL
from app.chat.sweeper import ChatSweeper
from app.database.errors import StoreDown
from app.service import Service
from app.settings import Settings
from domain.chat.enums import ChatMessageSpecialType, ChatMessageType, ChatSessionStatus
from domain.chat.fields import ChatSessionFields
from domain.chat.message import ChatMessage
from domain.date_time import utc
from domain.ids import ChatSessionId

CUSTOMER = given.call("sam")


@pytest.fixture
def sweeper(service: Service, chat: Chat, settings: Settings) -> ChatSweeper:
    return ChatSweeper(service.pool, chat, settings)


async def watched(service: Service, chat: Chat) -> ChatSessionId:
    """A session in the queue whose customer was seen."""
    number = await open_session(service, chat=chat)
    await chat.messages(number, 0, fetched_by=CUSTOMER)
    return number


async def test_a_customer_who_reads_is_marked_now_and_then(
    service: Service, chat: Chat, clock: Clock, owner: asyncpg.Connection
) -> None:
    number = await watched(service, chat)
    clock.forward(14)
    await chat.messages(number, 0, fetched_by=CUSTOMER)
    assert (await session(service, number)).when_fetched == utc(NOON)
    clock.forward(1)
    seen = await found(service, number)
    marked = await chat.fetched(seen, given.call("sam", key="k1", if_version=9))
    assert (marked.version, marked.state.when_fetched) == (seen.version + 1, utc(clock.time))
    assert await found(service, number) == marked
    assert await chat.fetched(marked, CUSTOMER) == marked
    assert await topics(owner) == ["chat_session.created", *["chat_session.fetched"] * 2]


async def test_who_has_gone_from_the_queue_is_closed_and_told_why(
    service: Service, chat: Chat, clock: Clock, sweeper: ChatSweeper, owner: asyncpg.Connection
) -> None:
    number = await watched(service, chat)
    assert await sweeper.sweep(clock.forward(299)) == 0
    assert await sweeper.sweep(clock.forward(1)) == 1
    held = await session(service, number)
    assert held.status is ChatSessionStatus.CLOSED_FROM_QUEUE
    assert held.when_ended == utc(clock.time)
    (told,) = await chat.messages(number, 0)
    assert told.special_type is ChatMessageSpecialType.CLOSED_BY_IDLE
    row = await owner.fetchrow(
        "SELECT actor, convert_from(state, 'UTF8') AS state FROM stored_events"
        " WHERE topic = 'chat_session.closed.v1'"
    )
    assert row is not None
    assert row["actor"] == "sessionary"
    assert '"reason":"customer_gone"' in row["state"]
    assert await sweeper.sweep(clock.forward(60)) == 0


async def test_who_has_gone_from_an_agent_is_closed(
    service: Service, chat: Chat, clock: Clock, sweeper: ChatSweeper
) -> None:
    number = await watched(service, chat)
    await chat.pick_up(number, KIM, by(KIM))
    assert await sweeper.sweep(clock.forward(300)) == 1
    assert (await session(service, number)).status is ChatSessionStatus.CLOSED


async def test_who_came_back_stays(
    service: Service, chat: Chat, clock: Clock, sweeper: ChatSweeper
) -> None:
    number = await watched(service, chat)
    clock.forward(200)
    await chat.messages(number, 0, fetched_by=CUSTOMER)
    assert await sweeper.sweep(clock.forward(200)) == 0
    assert (await session(service, number)).status is ChatSessionStatus.IN_QUEUE


@pytest.mark.parametrize(
    "status", [ChatSessionStatus.USER_LAST, ChatSessionStatus.FINISHED], ids=["talks", "reopens"]
)
async def test_who_wrote_stays(
    service: Service, chat: Chat, clock: Clock, sweeper: ChatSweeper, status: ChatSessionStatus
) -> None:
    number = await watched(service, chat)
    await chat.update(number, ChatSessionFields(status=status), CUSTOMER)
    clock.forward(400)
    words = ChatMessage(type=ChatMessageType.TO_USER, message="Still there?")
    await chat.add_message(number, words, CUSTOMER)
    assert await sweeper.sweep(clock.forward(299)) == 0
    assert (await session(service, number)).status is ChatSessionStatus.CUSTOMER_LAST
    assert await sweeper.sweep(clock.forward(1)) == 1


async def test_who_wrote_but_never_fetched_is_left_alone(
    service: Service, chat: Chat, clock: Clock, sweeper: ChatSweeper
) -> None:
    number = await open_session(service, chat=chat)
    await chat.add_message(number, ChatMessage(type=ChatMessageType.TO_USER), CUSTOMER)
    assert await sweeper.sweep(clock.forward(3_600)) == 0


async def test_who_was_never_seen_by_the_service_is_left_alone(
    service: Service, chat: Chat, clock: Clock, sweeper: ChatSweeper
) -> None:
    long_ago = utc(NOON - timedelta(days=1))
    await open_session(
        service,
        ChatSessionFields(status=ChatSessionStatus.IN_QUEUE, when_fetched=long_ago),
        chat,
    )
    await open_queue(service, 1)
    assert await sweeper.sweep(clock.forward(3_600)) == 0


async def test_what_ended_is_not_marked_and_not_closed(
    service: Service, chat: Chat, clock: Clock, sweeper: ChatSweeper
) -> None:
    number = await watched(service, chat)
    await chat.update(number, ChatSessionFields(status=ChatSessionStatus.FINISHED), CUSTOMER)
    clock.forward(60)
    await chat.messages(number, 0, fetched_by=CUSTOMER)
    assert (await session(service, number)).watched == utc(NOON)
    assert await sweeper.sweep(clock.forward(3_600)) == 0


async def test_more_than_are_looked_up_at_a_time_are_all_closed(
    service: Service, chat: Chat, clock: Clock, sweeper: ChatSweeper
) -> None:
    for number in await open_queue(service, 101):
        await chat.fetched(await found(service, number), CUSTOMER)
    assert await sweeper.sweep(clock.forward(300)) == 101


async def test_those_that_cannot_be_closed_hold_up_none_behind_them(
    service: Service,
    other_service: Service,
    clock: Clock,
    settings: Settings,
    owner: asyncpg.Connection,
) -> None:
    chat = chat_by(service, clock)
    for number in await open_queue(service, 100):
        await chat.fetched(await found(service, number), CUSTOMER)
    await owner.execute("DELETE FROM stream_key")
    clock.forward(1)
    last = await watched(service, chat)
    other = ChatSweeper(other_service.pool, chat_by(other_service, clock), settings)
    assert await other.sweep(clock.forward(300)) == 1
    assert (await session(service, last)).status is ChatSessionStatus.CLOSED_FROM_QUEUE


async def test_one_process_sweeps_until_it_no_longer_does(
    service: Service,
    other_service: Service,
    chat: Chat,
    clock: Clock,
    sweeper: ChatSweeper,
    owner: asyncpg.Connection,
) -> None:
    other = ChatSweeper(other_service.pool, chat_by(other_service, clock), service.settings)
    await watched(service, chat)
    assert await sweeper.sweep(NOON) == 0
    assert await other.sweep(clock.forward(300)) == 0
    await owner.execute("UPDATE lease SET until = now()")
    assert await other.sweep(clock.time) == 1


async def test_an_index_finds_who_has_gone(service: Service, chat: Chat) -> None:
    await watched(service, chat)
    plan = await service.pool.ask("EXPLAIN " + SWEEP_SQL["dead"], 7, [1, 2], 100)
    text = "\n".join(row[0] for row in plan)
    assert "chat_session_entity_watched_idx" in text
    assert "Sort" not in text


async def test_the_patience_with_customers_is_a_setting(
    service: Service, clock: Clock, settings: Settings
) -> None:
    impatient = replace(settings, customer_timeout_s=5.0)
    chat = chat_by(service, clock, impatient)
    sweeper = ChatSweeper(service.pool, chat, impatient)
    number = await watched(service, chat)
    for _ in range(6):
        clock.forward(1)
        await chat.messages(number, 0, fetched_by=CUSTOMER)
        assert await sweeper.sweep(clock.time) == 0
    assert await sweeper.sweep(clock.forward(5)) == 1


@pytest.mark.parametrize(
    ("stumbled", "traced"),
    [(StoreDown("The database does not answer"), False), (RuntimeError("a mistake"), True)],
    ids=["the database is away", "a mistake"],
)
async def test_the_sweeper_keeps_sweeping_even_if_it_stumbles(
    service: Service,
    chat: Chat,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    stumbled: Exception,
    traced: bool,
) -> None:
    swept = asyncio.Event()

    class Stumbling(ChatSweeper):
        rounds = 0

        async def sweep(self, now: datetime) -> int:
            self.rounds += 1
            if self.rounds == 1:
                raise stumbled
            if self.rounds == 3:
                swept.set()
            return await super().sweep(now)

    sweeper = Stumbling(service.pool, chat, replace(settings, sweep_s=0.0))
    task = asyncio.create_task(sweeper.keep_sweeping())
    await asyncio.wait_for(swept.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (told,) = [record for record in caplog.records if "could not be swept" in record.message]
    assert (told.exc_info is not None) is traced
