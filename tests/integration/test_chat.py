"""A chat session's life: from the queue to an agent, to another, to its end."""

import asyncpg
import pytest
from support import given
from support.chats import KIM, MAX, NOON, PAT, Clock, at, by, chat_by, open_session, session
from support.seen import topics

from app.chat.service import Chat, associate
from app.service import Service
from domain.chat.enums import ChatSessionStatus
from domain.chat.fields import ChatSessionFields
from domain.date_time import DateTime, ticks, utc
from domain.errors import NotInQueue
from domain.ids import ChatSessionId


@pytest.fixture
async def queued(service: Service, chat: Chat) -> ChatSessionId:
    return await open_session(service, chat=chat)


async def test_each_action_is_an_event_of_its_own(
    service: Service, chat: Chat, queued: ChatSessionId, owner: asyncpg.Connection
) -> None:
    await chat.pick_up(queued, KIM, by(KIM))
    await chat.transfer(queued, PAT, KIM, by(KIM))
    await chat.reject_transfer(queued, PAT, by(PAT))
    await chat.transfer(queued, PAT, KIM, by(KIM))
    await chat.accept_transfer(queued, PAT, by(PAT))
    await chat.reset(queued, by(PAT))
    held = await session(service, queued)
    await chat.update(queued, at(ChatSessionStatus.CLOSED, held), by(PAT))
    assert await topics(owner) == [
        f"chat_session.{happened}"
        for happened in (
            "created", "picked_up", "transfer_requested", "transfer_rejected",
            "transfer_requested", "transfer_accepted", "reset", "closed",
        )
    ]  # fmt: skip


async def test_times_and_places_follow_from_what_happens(
    service: Service, chat: Chat, clock: Clock, queued: ChatSessionId
) -> None:
    second = await open_session(service, chat=chat)
    assert (await session(service, queued)).initial_queue_pos == 1
    assert (await session(service, second)).initial_queue_pos == 2
    started = utc(clock.forward(1))
    await chat.pick_up(queued, KIM, by(KIM))
    ended = utc(clock.forward(1))
    held = await session(service, queued)
    assert (held.user, held.rank) == (associate(KIM), 1)
    await chat.update(queued, at(ChatSessionStatus.CLOSED, held), by(KIM))
    closed = await session(service, queued)
    assert (closed.when_requested, closed.when_started) == (utc(NOON), started)
    assert (closed.when_ended, closed.initial_queue_pos) == (ended, 1)


async def test_a_pick_up_that_comes_too_late_is_refused_wherever_it_comes(
    chat: Chat, other_service: Service, queued: ChatSessionId
) -> None:
    await chat.pick_up(queued, KIM, by(KIM))
    for late in (chat, other_service.chat):
        with pytest.raises(NotInQueue):
            await late.pick_up(queued, PAT, by(PAT))


async def test_an_action_that_does_not_suit_leaves_the_session_as_it_is(
    service: Service, chat: Chat, queued: ChatSessionId, owner: asyncpg.Connection
) -> None:
    before = await session(service, queued)
    answers = [
        await chat.transfer(queued, PAT, KIM, by(KIM)),
        await chat.accept_transfer(queued, PAT, by(PAT)),
        await chat.reject_transfer(queued, PAT, by(PAT)),
        await chat.reset(queued, by(PAT)),
    ]
    assert [answer.folded.state for answer in answers] == [before] * 4
    assert await topics(owner) == ["chat_session.created"]


async def test_a_manager_transfers_anybodys_session(
    service: Service, chat: Chat, queued: ChatSessionId
) -> None:
    await chat.pick_up(queued, KIM, by(KIM))
    await chat.transfer(queued, MAX, PAT, by(PAT))
    assert (await session(service, queued)).transfer_to is None
    await chat.transfer(queued, PAT, MAX, by(MAX))
    assert (await session(service, queued)).transfer_to == associate(PAT)


async def test_a_retry_is_answered_as_the_first_time_whatever_was_drawn(
    service: Service, other_service: Service, chat: Chat, clock: Clock, queued: ChatSessionId
) -> None:
    first = await chat.pick_up(queued, KIM, by(KIM, "k1"))
    clock.forward(60)
    again = await chat_by(other_service, clock).pick_up(queued, KIM, by(KIM, "k1"))
    assert (again.folded, again.replayed) == (first.folded, True)
    wanted = ChatSessionFields(status=ChatSessionStatus.IN_QUEUE)
    updated = await chat.update(queued, wanted, by(KIM, "k2"))
    clock.forward(60)
    again = await chat.update(queued, wanted, by(KIM, "k2"))
    assert (again.folded, again.replayed) == (updated.folded, True)


async def test_who_an_agent_is_is_sealed_in_the_log(
    chat: Chat, queued: ChatSessionId, owner: asyncpg.Connection
) -> None:
    await chat.pick_up(queued, KIM, given.call("somebody"))
    await chat.transfer(queued, PAT, KIM, given.call("somebody"))
    await chat.accept_transfer(queued, PAT, given.call("somebody"))
    stored = b"".join(row["state"] for row in await owner.fetch("SELECT state FROM stored_events"))
    assert b"kim" not in stored
    assert b"pat" not in stored


async def test_what_is_searched_for_is_in_columns(
    service: Service, chat: Chat, clock: Clock, queued: ChatSessionId, owner: asyncpg.Connection
) -> None:
    clock.forward(1)
    await chat.pick_up(queued, KIM, by(KIM))
    row = await owner.fetchrow(
        "SELECT status, user_associate_id, rank, when_requested, when_started, when_ended, watched"
        "  FROM chat_session_entity"
    )
    assert row is not None
    assert tuple(row) == (
        "CustomerLast", 101, 1, ticks(utc(NOON)), ticks(utc(clock.time)), None, None
    )  # fmt: skip


async def test_a_date_that_is_not_set_is_null_in_whatever_zone(
    service: Service, owner: asyncpg.Connection
) -> None:
    unset = DateTime("0001-01-01T01:00:00+01:00")
    await open_session(service, ChatSessionFields(when_started=unset, when_ended=unset))
    row = await owner.fetchrow("SELECT when_started, when_ended FROM chat_session_entity")
    assert row is not None
    assert tuple(row) == (None, None)
