"""Many agents, one queue: no session is picked up twice, and none is left."""

import asyncio
from collections import Counter

import asyncpg
import pytest
from support.chats import KIM, PAT, Clock, at, by, chat_by, open_queue, open_session, session

from app.auth.principals import Principal
from app.chat.queue import SQL
from app.service import Service
from domain.chat.carriers import Associate
from domain.chat.enums import ChatMessageType, ChatSessionStatus
from domain.chat.fields import ChatSessionFields
from domain.chat.message import ChatMessage
from domain.chat.session import ChatSession
from domain.date_time import DateTime
from domain.ids import ChatSessionId

AGENTS = [Principal(f"agent {n}", ("Agent",), associate_id=n) for n in range(1, 51)]
SESSIONS = 200


async def pick_all(service: Service, agent: Principal) -> list[ChatSession]:
    """Pick up until nothing is left."""
    found = []
    while (answer := await service.chat.pick_up_first(agent, by(agent))) is not None:
        found.append(answer.folded.state)
    return found


async def test_fifty_agents_pick_up_each_session_once_and_leave_none(
    service: Service, other_service: Service, owner: asyncpg.Connection
) -> None:
    queue = await open_queue(service, SESSIONS)
    picked = await asyncio.gather(
        *(
            pick_all((service, other_service)[number % 2], agent)
            for number, agent in enumerate(AGENTS)
        )
    )
    counted = Counter(each.chat_session_id for sessions in picked for each in sessions)
    assert counted == Counter(queue)
    events = await owner.fetchval(
        "SELECT count(*) FROM stored_events WHERE topic = 'chat_session.picked_up.v1'"
    )
    assert events == SESSIONS
    for agent, sessions in zip(AGENTS, picked, strict=True):
        # Each agent picks up in one process: there the ranks are those of a row.
        assert [each.rank for each in sessions] == list(range(1, len(sessions) + 1))
        assert {each.user and each.user.associate_id for each in sessions} <= {agent.associate_id}


async def test_fifty_agents_want_one_session_and_one_gets_it(
    service: Service, other_service: Service
) -> None:
    (only,) = await open_queue(service, 1)
    answers = await asyncio.gather(
        *(
            each.chat.pick_up_first(agent, by(agent))
            for each in (service, other_service)
            for agent in AGENTS
        )
    )
    assert [answer.folded.state.chat_session_id for answer in answers if answer] == [only]


async def test_who_waited_longest_comes_first(service: Service) -> None:
    clock = Clock()
    chat = chat_by(service, clock)
    late = await open_session(service, chat=chat)
    clock.forward(-60)
    early = await open_session(service, chat=chat)
    picked = [await chat.pick_up_first(KIM, by(KIM)) for _ in range(3)]
    assert [each and each.folded.state.chat_session_id for each in picked] == [early, late, None]


@pytest.mark.parametrize("waiting", [1, 2], ids=["an empty queue", "another waits"])
async def test_a_retry_takes_no_other_session(
    service: Service, other_service: Service, waiting: int
) -> None:
    await open_queue(service, waiting)
    first = await service.chat.pick_up_first(KIM, by(KIM, "k1"))
    again = await other_service.chat.pick_up_first(KIM, by(KIM, "k1"))
    assert first is not None
    assert again is not None
    assert (again.folded, again.replayed) == (first.folded, True)


async def test_only_what_is_in_the_queue_is_picked_up_from_it(service: Service) -> None:
    for status in ChatSessionStatus:
        if status is not ChatSessionStatus.IN_QUEUE:
            await open_session(service, ChatSessionFields(status=status))
    assert await service.chat.pick_up_first(KIM, by(KIM)) is None


async def test_one_that_cannot_be_read_does_not_hold_up_the_queue(
    service: Service, other_service: Service, owner: asyncpg.Connection
) -> None:
    broken, whole = await open_session(service), await open_session(service)
    await owner.execute("DELETE FROM stream_key WHERE stream_id = ("
                        "SELECT stream_id FROM chat_session_entity WHERE chat_session_id = $1)",
                        broken)  # fmt: skip
    picked = await other_service.chat.pick_up_first(KIM, by(KIM))
    assert picked is not None
    assert picked.folded.state.chat_session_id == whole
    assert await other_service.chat.pick_up_first(KIM, by(KIM)) is None


async def end(service: Service, number: ChatSessionId) -> None:
    await service.chat.update(number, ChatSessionFields(status=ChatSessionStatus.CLOSED), by(KIM))


async def test_a_rank_is_the_lowest_that_no_active_session_of_the_agent_has(
    service: Service,
) -> None:
    first, *_ = await open_queue(service, 4)
    one, two, three = [await service.chat.pick_up_first(KIM, by(KIM)) for _ in range(3)]
    assert [each and each.folded.state.rank for each in (one, two, three)] == [1, 2, 3]
    assert two is not None
    await end(service, two.folded.state.chat_session_id)
    asked = await service.chat.pick_up_first(PAT, by(PAT))
    assert asked is not None
    assert asked.folded.state.rank == 1  # another agent's
    number = asked.folded.state.chat_session_id
    await service.chat.transfer(number, KIM, PAT, by(PAT))
    await service.chat.accept_transfer(number, KIM, by(KIM))
    assert (await session(service, number)).rank == 2
    assert first is not None


async def test_one_agent_who_picks_up_twice_at_once_gets_two_ranks(service: Service) -> None:
    numbers = await open_queue(service, 8)
    answers = await asyncio.gather(
        *(service.chat.pick_up(number, KIM, by(KIM)) for number in numbers)
    )
    assert sorted(answer.folded.state.rank for answer in answers) == list(range(1, 9))


async def finish(service: Service, number: ChatSessionId) -> None:
    held = await session(service, number)
    await service.chat.update(number, at(ChatSessionStatus.FINISHED, held), by(KIM))


HELLO_AGAIN = ChatMessage(type=ChatMessageType.TO_USER, message="One more thing")


async def test_a_session_that_a_customer_opens_again_gets_a_rank_that_is_free(
    service: Service, other_service: Service
) -> None:
    first, second = await open_queue(service, 2)
    await service.chat.pick_up(first, KIM, by(KIM))
    await finish(service, first)
    await service.chat.pick_up(second, KIM, by(KIM))
    assert (await session(service, second)).rank == (await session(service, first)).rank == 1
    posted, answer = await service.chat.add_message(first, HELLO_AGAIN, by(KIM, "k1"))
    reopened = answer.folded.state
    assert (reopened.status, reopened.rank) == (ChatSessionStatus.CUSTOMER_LAST, 2)
    assert posted.message == "One more thing"
    again, retried = await other_service.chat.add_message(first, HELLO_AGAIN, by(KIM, "k1"))
    assert (again, retried.folded, retried.replayed) == (posted, answer.folded, True)


async def test_sessions_opened_again_at_once_get_ranks_of_their_own(service: Service) -> None:
    numbers = await open_queue(service, 4)
    for number in numbers:
        await service.chat.pick_up(number, KIM, by(KIM))
        await finish(service, number)
    await asyncio.gather(
        *(service.chat.add_message(number, HELLO_AGAIN, by(KIM)) for number in numbers)
    )
    ranks = [(await session(service, number)).rank for number in numbers]
    assert sorted(ranks) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("statement", "arguments"),
    [("waiting", [8]), ("pending", []), ("ranks", [7])],
    ids=["the first of the queue", "how many wait", "an agent's ranks"],
)
async def test_an_index_finds(service: Service, statement: str, arguments: list[int]) -> None:
    await open_queue(service, 3)
    await open_session(
        service,
        ChatSessionFields(
            status=ChatSessionStatus.USER_LAST,
            user=Associate(associate_id=7),
            when_requested=DateTime("2026-11-21"),
        ),
    )
    plan = await service.pool.ask("EXPLAIN " + SQL[statement], *arguments)
    text = "\n".join(row[0] for row in plan)
    assert "chat_session_entity_" in text
    assert "Seq Scan" not in text
    assert "Sort" not in text
