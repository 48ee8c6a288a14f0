"""The fold of a chat session: how each event changes it. Nothing here decides whether it may."""

from collections.abc import Mapping
from typing import assert_never

from msgspec import UNSET
from msgspec.structs import asdict, replace

from domain.chat.enums import ChatSessionStatus
from domain.chat.events import (
    ChatMessageAdded,
    ChatSessionChange,
    ChatSessionClosed,
    ChatSessionCreated,
    ChatSessionDeleted,
    ChatSessionEvent,
    ChatSessionFetched,
    ChatSessionPersonalDataErased,
    ChatSessionPickedUp,
    ChatSessionRated,
    ChatSessionReset,
    ChatSessionTransferAccepted,
    ChatSessionTransferRejected,
    ChatSessionTransferRequested,
    ChatSessionUpdated,
)
from domain.chat.message import Speaker, speaker
from domain.chat.session import ChatSession
from domain.date_time import EMPTY, is_set
from domain.event import Subject, without
from domain.limits import MESSAGE_COPY_LENGTH

HandOver = (
    ChatSessionPickedUp
    | ChatSessionTransferRequested
    | ChatSessionTransferAccepted
    | ChatSessionTransferRejected
    | ChatSessionReset
)

PERSONAL: Mapping[Subject, frozenset[str]] = {
    "customer": ChatSessionChange.personal - ChatSessionChange.agent,
    "agent": ChatSessionChange.agent,
}
"""The fields of a session by whose personal data they are."""


def evolve(state: ChatSession | None, event: ChatSessionEvent) -> ChatSession:
    """The session after one more event."""
    session = state or ChatSession()
    match event:
        case ChatSessionCreated() | ChatSessionUpdated():
            given = {name: value for name, value in asdict(event).items() if value is not UNSET}
            return replace(session, **given)
        case ChatSessionRated(rating=rating):
            return replace(session, rating=rating)
        case ChatSessionClosed(status=status, when_ended=when):
            ended = session.when_ended if when is UNSET else when
            return replace(session, status=status, when_ended=ended)
        case ChatMessageAdded():
            return _with_message(session, event)
        case ChatSessionFetched(when_fetched=when):
            return replace(session, when_fetched=when, watched=when)
        case ChatSessionPersonalDataErased(subjects=subjects):
            names = frozenset().union(*(PERSONAL[subject] for subject in subjects))
            return without(session, names)
        case ChatSessionDeleted():
            return ChatSession(chat_session_id=session.chat_session_id, deleted=True)
        case _:
            return _handed_over(session, event)


def _handed_over(session: ChatSession, event: HandOver) -> ChatSession:
    match event:
        case ChatSessionPickedUp():
            return replace(
                session,
                user=event.user,
                rank=event.rank,
                status=ChatSessionStatus.CUSTOMER_LAST,
                when_started=event.when_started,
                transfer_to=None,
            )
        case ChatSessionTransferRequested(transfer_to=agent):
            return replace(session, transfer_to=agent)
        case ChatSessionTransferAccepted():
            return replace(session, user=event.user, rank=event.rank, transfer_to=None)
        case ChatSessionTransferRejected():
            return replace(session, transfer_to=None)
        case ChatSessionReset():
            return replace(
                session,
                user=None,
                rank=0,
                status=ChatSessionStatus.IN_QUEUE,
                when_requested=event.when_requested,
                initial_queue_pos=event.initial_queue_pos,
                when_started=EMPTY,
                when_ended=EMPTY,
                transfer_to=None,
                chatbot_is_active=False,
            )
        case _:
            assert_never(event)


def _with_message(session: ChatSession, event: ChatMessageAdded) -> ChatSession:
    speaks = speaker(event.type, event.special_type)
    # A customer who writes is present. Before the first fetch, no client can stop fetching.
    is_seen = speaks is Speaker.CUSTOMER and is_set(session.watched)
    session = replace(
        session,
        last_message_id=event.message_id,
        watched=event.when_posted if is_seen else session.watched,
        status=session.status if event.status is UNSET else event.status,
        when_ended=session.when_ended if event.when_ended is UNSET else event.when_ended,
    )
    if speaks is Speaker.NOBODY:
        return session
    if event.message is UNSET:
        return replace(session, when_idle=event.when_posted)
    copy = None if event.message is None else event.message[:MESSAGE_COPY_LENGTH]
    first = copy if session.first_message is None else session.first_message
    return replace(session, first_message=first, last_message=copy, when_idle=event.when_posted)
