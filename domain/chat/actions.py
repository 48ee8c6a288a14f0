"""Single actions of agents and customers on a chat session: assignments and messages.

An action that does not suit the session's state changes nothing; only a pick-up is then refused.
"""

from collections.abc import Sequence
from typing import assert_never

from msgspec import UNSET, Struct
from msgspec.structs import replace

from domain.chat.carriers import Associate
from domain.chat.enums import ChatMessageSpecialType, ChatMessageType, ChatSessionStatus
from domain.chat.events import (
    ChatMessageAdded,
    ChatSessionClosed,
    ChatSessionEvent,
    ChatSessionFetched,
    ChatSessionPickedUp,
    ChatSessionReset,
    ChatSessionTransferAccepted,
    ChatSessionTransferRejected,
    ChatSessionTransferRequested,
    ChatSessionUpdated,
)
from domain.chat.message import Speaker, speaker
from domain.chat.session import ACTIVE, ENDED, OPEN, ChatSession, there
from domain.date_time import EMPTY, DateTime, is_set, ticks
from domain.errors import MessageOutOfOrder, NotInQueue
from domain.ids import ChatMessageId, ChatSessionId

CUSTOMER_GONE = "customer_gone"


class PickUpChatSession(Struct, frozen=True, kw_only=True):
    """Take a session from the queue."""

    chat_session_id: ChatSessionId
    agent: Associate
    rank: int
    at: DateTime


class TransferChatSession(Struct, frozen=True, kw_only=True):
    """Ask another agent to take a session over."""

    chat_session_id: ChatSessionId
    to: Associate
    by: int | None
    """The associate who must have the session; None allows anybody."""


class AcceptChatSessionTransfer(Struct, frozen=True, kw_only=True):
    """Take over a session as the agent who was asked to."""

    chat_session_id: ChatSessionId
    agent: Associate
    rank: int


class RejectChatSessionTransfer(Struct, frozen=True, kw_only=True):
    """Leave a session with its agent; the agent who was asked or the one who has it may do so."""

    chat_session_id: ChatSessionId
    by: int


class ResetChatSession(Struct, frozen=True, kw_only=True):
    """Send a session back to the queue."""

    chat_session_id: ChatSessionId
    at: DateTime
    queue_pos: int


class AddChatMessage(Struct, frozen=True, kw_only=True):
    """Post a message."""

    chat_session_id: ChatSessionId
    message_id: ChatMessageId
    at: DateTime
    type: ChatMessageType = ChatMessageType.INVALID
    message: str | None = None
    author: str | None = None
    read_by_customer: int = 0
    special_type: ChatMessageSpecialType = ChatMessageSpecialType.NONE
    special_param: str | None = None
    rank: int = 0
    """The session's rank among its agent's active ones if it reopens; 0 keeps the rank."""


class MarkFetched(Struct, frozen=True, kw_only=True):
    """Record that the customer's client fetched news, unless a recent fetch is recorded."""

    chat_session_id: ChatSessionId
    at: DateTime
    unless_since: DateTime


class CloseDeadChatSession(Struct, frozen=True, kw_only=True):
    """End an open session whose customer was once seen, but not after `unless_since`."""

    chat_session_id: ChatSessionId
    message_id: ChatMessageId
    at: DateTime
    unless_since: DateTime


Command = (
    PickUpChatSession
    | TransferChatSession
    | AcceptChatSessionTransfer
    | RejectChatSessionTransfer
    | ResetChatSession
    | AddChatMessage
    | MarkFetched
    | CloseDeadChatSession
)


def decide(command: Command, state: ChatSession | None) -> Sequence[ChatSessionEvent]:
    """The events that an action adds; none when it does not suit the session's state.

    Raises NotFound for a missing session, NotInQueue for a pick-up that comes too late,
    MessageOutOfOrder for a message id that is not larger than all before it.
    """
    session = there(command.chat_session_id, state)
    match command:
        case PickUpChatSession():
            return [_picked_up(command, session)]
        case ResetChatSession():
            return _reset(command, session)
        case AddChatMessage():
            return _message(command, session)
        case MarkFetched(at=at, unless_since=since):
            lately = ticks(session.watched) > ticks(since)
            unneeded = session.status not in OPEN or lately
            return [] if unneeded else [ChatSessionFetched(when_fetched=at)]
        case CloseDeadChatSession():
            return _closed(command, session)
        case _:
            return _transfer(command, session) if session.status in ACTIVE else []


def _picked_up(command: PickUpChatSession, session: ChatSession) -> ChatSessionPickedUp:
    if session.status is not ChatSessionStatus.IN_QUEUE:
        raise NotInQueue(command.chat_session_id)
    return ChatSessionPickedUp(user=command.agent, rank=command.rank, when_started=command.at)


def _transfer(
    command: TransferChatSession | AcceptChatSessionTransfer | RejectChatSessionTransfer,
    session: ChatSession,
) -> Sequence[ChatSessionEvent]:
    has, asked = session.user, session.transfer_to
    match command:
        case TransferChatSession(to=to, by=by):
            suits = by is None or _is(has, by)
            if not suits or _is(has, to.associate_id) or _is(asked, to.associate_id):
                return []
            return [ChatSessionTransferRequested(transfer_to=to)]
        case AcceptChatSessionTransfer(agent=agent, rank=rank):
            suits = _is(asked, agent.associate_id)
            return [ChatSessionTransferAccepted(user=agent, rank=rank)] if suits else []
        case RejectChatSessionTransfer(by=by):
            suits = asked is not None and (_is(asked, by) or _is(has, by))
            return [ChatSessionTransferRejected()] if suits else []
        case _:
            assert_never(command)


def _is(agent: Associate | None, associate_id: object) -> bool:
    """Whether the agent has this number; an agent without a number never matches."""
    return (
        isinstance(associate_id, int) and agent is not None and (agent.associate_id == associate_id)
    )


def _reset(command: ResetChatSession, session: ChatSession) -> Sequence[ChatSessionEvent]:
    waits = session.status is ChatSessionStatus.IN_QUEUE
    if waits and session.user is None and not session.chatbot_is_active:
        return []
    # A session that has already waited keeps its place in the queue.
    when = session.when_requested if is_set(session.when_requested) else command.at
    place = session.initial_queue_pos or command.queue_pos
    return [ChatSessionReset(when_requested=when, initial_queue_pos=place)]


def _message(command: AddChatMessage, session: ChatSession) -> Sequence[ChatSessionEvent]:
    if command.message_id <= session.last_message_id:
        raise MessageOutOfOrder(command.message_id)
    event = ChatMessageAdded(
        message_id=command.message_id,
        type=command.type,
        message=UNSET if command.message is None else command.message,
        author=UNSET if command.author is None else command.author,
        read_by_customer=command.read_by_customer,
        special_type=command.special_type,
        special_param=UNSET if command.special_param is None else command.special_param,
        when_posted=command.at,
    )
    match speaker(command.type, command.special_type):
        case Speaker.CUSTOMER:
            return _of_customer(event, session, command.rank)
        case Speaker.AGENT:
            return [_of_agent(event, session)]
        case Speaker.NOBODY:
            return [event]


def _of_customer(
    event: ChatMessageAdded, session: ChatSession, rank: int
) -> Sequence[ChatSessionEvent]:
    """A customer's message asks for an answer, but it does not jump the queue."""
    last = ChatSessionStatus.CUSTOMER_LAST
    if session.status is ChatSessionStatus.FINISHED:
        plain = event.special_type is ChatMessageSpecialType.NONE
        reopened = ChatMessageSpecialType.REOPENED_BY_CUSTOMER if plain else event.special_type
        opening = replace(event, special_type=reopened, status=last, when_ended=EMPTY)
        # Its agent may meanwhile have given its former rank to another session.
        ranked = rank not in (0, session.rank) and session.user is not None
        return [opening, ChatSessionUpdated(rank=rank)] if ranked else [opening]
    stays = session.status in ENDED or session.status in {ChatSessionStatus.IN_QUEUE, last}
    return [event if stays else replace(event, status=last)]


def _of_agent(event: ChatMessageAdded, session: ChatSession) -> ChatMessageAdded:
    """A message of an agent or a bot waits for the customer, even in a queued session."""
    last = ChatSessionStatus.USER_LAST
    stays = session.status in ENDED or session.status is last
    return event if stays else replace(event, status=last)


def _closed(command: CloseDeadChatSession, session: ChatSession) -> Sequence[ChatSessionEvent]:
    gone = is_set(session.watched) and ticks(session.watched) <= ticks(command.unless_since)
    if session.status not in OPEN or not gone:
        return []
    if command.message_id <= session.last_message_id:
        raise MessageOutOfOrder(command.message_id)
    waited = session.status is ChatSessionStatus.IN_QUEUE
    status = ChatSessionStatus.CLOSED_FROM_QUEUE if waited else ChatSessionStatus.CLOSED
    offered = session.transfer_to is not None
    return [
        *([ChatSessionUpdated(transfer_to=None)] if offered else []),
        ChatSessionClosed(status=status, reason=CUSTOMER_GONE, when_ended=command.at),
        ChatMessageAdded(
            message_id=command.message_id,
            type=ChatMessageType.SPECIAL,
            special_type=ChatMessageSpecialType.CLOSED_BY_IDLE,
            when_posted=command.at,
        ),
    ]
