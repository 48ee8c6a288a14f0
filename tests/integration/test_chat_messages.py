"""Messages of a chat are events of its session, read back from the log."""

import asyncio

import asyncpg
import pytest
from support.chats import KIM, NOON, Clock, by, chat_by, open_session, session

from app.chat.service import Chat
from app.service import Service
from domain.chat.enums import ChatMessageType, ChatSessionStatus
from domain.chat.message import ChatMessage
from domain.date_time import utc
from domain.errors import NotFound
from domain.ids import ChatSessionId

HELLO = ChatMessage(type=ChatMessageType.TO_USER, message="Grüezi", author="Sam", special_param="p")


@pytest.fixture
def chat(service: Service) -> Chat:
    return chat_by(service, Clock())


@pytest.fixture
async def talk(service: Service, chat: Chat) -> ChatSessionId:
    number = await open_session(service, chat=chat)
    await chat.pick_up(number, KIM, by(KIM))
    return number


async def test_a_message_is_read_as_it_was_posted(
    service: Service, chat: Chat, talk: ChatSessionId
) -> None:
    posted, _ = await chat.add_message(talk, HELLO, by(KIM))
    assert posted == ChatMessage(
        chat_message_id=posted.chat_message_id,
        chat_session_id=talk,
        type=ChatMessageType.TO_USER,
        message="Grüezi",
        author="Sam",
        special_param="p",
        when_posted=utc(NOON),
    )
    assert await chat.messages(talk, 0) == [posted]
    held = await session(service, talk)
    assert held.status is ChatSessionStatus.CUSTOMER_LAST
    assert (held.first_message, held.last_message, held.when_idle) == (
        "Grüezi", "Grüezi", utc(NOON)
    )  # fmt: skip


async def test_only_what_is_new_is_read_oldest_first(
    chat: Chat, other_service: Service, talk: ChatSessionId
) -> None:
    posted = [(await chat.add_message(talk, HELLO, by(KIM)))[0] for _ in range(60)]
    assert await other_service.chat.messages(talk, 0) == posted
    third = posted[2].chat_message_id
    assert await other_service.chat.messages(talk, third) == posted[3:]
    assert await other_service.chat.messages(talk, posted[-1].chat_message_id) == []


async def test_a_session_shows_its_own_messages_only(
    service: Service, chat: Chat, talk: ChatSessionId
) -> None:
    other = await open_session(service)
    await chat.add_message(talk, HELLO, by(KIM))
    assert await chat.messages(other, 0) == []


async def test_messages_of_two_processes_are_in_order(
    service: Service, other_service: Service, talk: ChatSessionId
) -> None:
    posted = await asyncio.gather(
        *(
            each.chat.add_message(talk, HELLO, by(KIM))
            for _ in range(10)
            for each in (service, other_service)
        )
    )
    numbers = [message.chat_message_id for message in await service.chat.messages(talk, 0)]
    assert numbers == sorted({message.chat_message_id for message, _ in posted})
    assert len(numbers) == 20


async def test_a_retry_posts_once(chat: Chat, other_service: Service, talk: ChatSessionId) -> None:
    first, _ = await chat.add_message(talk, HELLO, by(KIM, "k1"))
    await chat.add_message(talk, HELLO, by(KIM))
    again, answer = await other_service.chat.add_message(talk, HELLO, by(KIM, "k1"))
    assert (again, answer.replayed) == (first, True)
    assert len(await chat.messages(talk, 0)) == 2


async def test_what_is_said_is_sealed_in_the_log(
    chat: Chat, talk: ChatSessionId, owner: asyncpg.Connection
) -> None:
    await chat.add_message(talk, HELLO, by(KIM))
    stored = await owner.fetchval(
        "SELECT convert_from(state, 'UTF8') FROM stored_events WHERE topic LIKE '%message_added%'"
    )
    assert '"fields":["message","author","special_param"]' in stored
    assert "ezi" not in stored
    assert "Sam" not in stored


async def test_a_session_that_is_not_there_has_no_messages(chat: Chat) -> None:
    with pytest.raises(NotFound):
        await chat.messages(ChatSessionId(7), 0)
    with pytest.raises(NotFound):
        await chat.add_message(ChatSessionId(7), HELLO, by(KIM))
