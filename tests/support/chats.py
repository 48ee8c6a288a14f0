"""Agents, a clock that stands still until told, and sessions in the queue."""

import asyncio
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from app.auth.principals import Principal
from app.chat.service import Chat
from app.commands.context import CommandContext
from app.service import Service
from app.settings import Settings
from domain.chat.enums import ChatSessionStatus
from domain.chat.fields import ChatSessionFields
from domain.chat.session import ChatSession
from domain.ids import ChatSessionId, chat_session_stream
from projections.fold import Folded
from support import given

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
KIM = Principal("kim", ("Agent",), associate_id=101)
PAT = Principal("pat", ("Agent",), associate_id=102)
MAX = Principal("max", ("Manager",), associate_id=103)
QUEUED = ChatSessionFields(status=ChatSessionStatus.IN_QUEUE, customer_name="Sam")


class Clock:
    """Tells the time that it was set to."""

    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> datetime:
        return self.time

    def forward(self, seconds: float) -> datetime:
        self.time += timedelta(seconds=seconds)
        return self.time


def chat_by(service: Service, clock: Clock, settings: Settings | None = None) -> Chat:
    """The chat of a service, by another clock."""
    settings = settings or service.settings
    return Chat(service.log, service.commands, service.views, settings, clock=clock)


def by(agent: Principal, key: str | None = None) -> CommandContext:
    """An agent's call."""
    return given.call(agent.name, key=key)


async def open_session(
    service: Service, wanted: ChatSessionFields = QUEUED, chat: Chat | None = None
) -> ChatSessionId:
    """A new session, in the queue unless told otherwise."""
    call = given.call("sam")
    number = await service.chat.new_number(call)
    await (chat or service.chat).new(number, wanted, call)
    return number


async def open_queue(service: Service, sessions: int) -> list[ChatSessionId]:
    """So many sessions in the queue, opened at once."""
    return list(await asyncio.gather(*(open_session(service) for _ in range(sessions))))


async def found(service: Service, number: ChatSessionId) -> Folded[ChatSession]:
    """A session as its view has it, with its version."""
    row = await service.views.get("chat_session", chat_session_stream(number))
    assert row is not None
    return row.folded


async def session(service: Service, number: ChatSessionId) -> ChatSession:
    """A session as its view shows it."""
    return (await found(service, number)).state


def at(status: ChatSessionStatus, held: ChatSession) -> ChatSessionFields:
    """A session as it is, but in another status."""
    return replace(held, status=status)
