"""The past of a chat session, and the state that it gives."""

from functools import reduce

from domain.chat.events import ChatSessionCreated, ChatSessionDeleted, ChatSessionEvent
from domain.chat.evolve import evolve
from domain.chat.session import ChatSession
from domain.date_time import DateTime
from domain.ids import ChatSessionId

S7 = ChatSessionId(7)
CREATED = ChatSessionCreated(chat_session_id=S7, customer_name="Kim", rating=3)
DELETED = ChatSessionDeleted()
NOON = DateTime("2026-11-21T12:00:00")


def state_after(*past: ChatSessionEvent) -> ChatSession | None:
    nothing: ChatSession | None = None
    return reduce(evolve, past, nothing)
