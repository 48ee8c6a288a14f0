"""Chats that hold people, and what is kept to find these."""

from typing import Any

from app.commands.context import Generated
from app.followers import people
from app.history.reader import Reader
from app.service import Service
from domain.chat.actions import AddChatMessage
from domain.chat.session import NewChatSession
from domain.date_time import DateTime
from domain.ids import ChatMessageId, ChatSessionId, StreamId, chat_session_stream
from support import given

NOON = DateTime("2026-11-21T12:00:00")


async def chat_of(service: Service, **fields: Any) -> StreamId:
    """Open a chat with fields such as `customer_email`; its stream."""
    by = given.call()
    number = await service.chat.new_number(by)
    command = NewChatSession(chat_session_id=number, **fields)
    await service.commands.handle(
        command, by, Generated(("chat_session_id",), chat_session_stream(number))
    )
    return chat_session_stream(number)


async def say(service: Service, reader: Reader, stream: StreamId, text: str) -> None:
    """Post a message in a chat."""
    number = ChatSessionId(int((await reader.identity(stream)).session_id))
    command = AddChatMessage(
        chat_session_id=number, message_id=ChatMessageId(1), at=NOON, message=text, author="Kim L"
    )
    await service.commands.handle(command, given.call())


async def follow(service: Service) -> None:
    """Bring what people are found by up to date."""
    follower = people.follower(service.log, 1.0)
    while await follower.round():
        pass
    await follower.stop()
