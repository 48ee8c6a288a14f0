"""Pasts of chat sessions, and who acts on them when."""

from functools import reduce

from domain.chat.actions import AddChatMessage
from domain.chat.carriers import Associate
from domain.chat.enums import ChatSessionStatus
from domain.chat.events import (
    ChatSessionCreated,
    ChatSessionEvent,
    ChatSessionPickedUp,
    ChatSessionTransferRequested,
    ChatSessionUpdated,
)
from domain.chat.evolve import evolve
from domain.chat.session import ChatSession
from domain.date_time import DateTime
from domain.ids import ChatMessageId, ChatSessionId

S7 = ChatSessionId(7)
EARLY = DateTime("2026-11-21T11:00:00")
NOON = DateTime("2026-11-21T12:00:00")
LATE = DateTime("2026-11-21T13:00:00")
KIM = Associate(associate_id=1, name="kim")
PAT = Associate(associate_id=2, name="pat")

QUEUED = ChatSessionCreated(
    chat_session_id=S7,
    status=ChatSessionStatus.IN_QUEUE,
    when_requested=EARLY,
    initial_queue_pos=3,
)
PICKED = ChatSessionPickedUp(user=KIM, rank=2, when_started=NOON)
ASKED = ChatSessionTransferRequested(transfer_to=PAT)
MESSAGE = AddChatMessage(chat_session_id=S7, message_id=ChatMessageId(5), at=NOON)


def state_after(*past: ChatSessionEvent) -> ChatSession:
    nothing: ChatSession | None = None
    state = reduce(evolve, past, nothing)
    assert state is not None
    return state


def at(status: ChatSessionStatus) -> ChatSessionEvent:
    return ChatSessionUpdated(status=status)
