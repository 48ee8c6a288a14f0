"""The events of a chat session. Nothing here decides whether they happen."""

from typing import ClassVar

from msgspec import UNSET, UnsetType

from domain.chat.carriers import Associate, Contact, Person, Project, Sale
from domain.chat.enums import (
    ChatMessageSpecialType,
    ChatMessageType,
    ChatSessionFlags,
    ChatSessionStatus,
)
from domain.chat.message import Speaker, speaker
from domain.chat.ticket import Ticket
from domain.date_time import DateTime
from domain.event import Copies, Erasure, Event
from domain.ids import ChatMessageId, ChatSessionId

_AUTHOR = frozenset({"author"})


class ChatSessionChange(Event, frozen=True, kw_only=True):
    """The part that some events below share: the fields that got a value, which may be None."""

    # Any carrier can name a person: an agent, a customer, the owner of a sale.
    personal: ClassVar[frozenset[str]] = frozenset(
        {
            *("user", "person", "contact", "project", "sale", "ticket", "transfer_to"),
            *("customer_alias", "customer_host", "customer_name", "customer_email"),
            *("customer_phone", "customer_company_name"),
            *("first_message", "last_message", "session_key"),
        }
    )
    agent: ClassVar[frozenset[str]] = frozenset({"user", "transfer_to"})
    secret: ClassVar[frozenset[str]] = frozenset({"session_key"})

    topic_id: int | UnsetType = UNSET
    user: Associate | UnsetType | None = UNSET
    person: Person | UnsetType | None = UNSET
    customer_alias: str | UnsetType | None = UNSET
    customer_host: str | UnsetType | None = UNSET
    customer_name: str | UnsetType | None = UNSET
    customer_email: str | UnsetType | None = UNSET
    customer_phone: str | UnsetType | None = UNSET
    customer_consented: bool | UnsetType = UNSET
    customer_company_name: str | UnsetType | None = UNSET
    status: ChatSessionStatus | UnsetType = UNSET
    first_message: str | UnsetType | None = UNSET
    last_message: str | UnsetType | None = UNSET
    when_requested: DateTime | UnsetType = UNSET
    when_started: DateTime | UnsetType = UNSET
    when_ended: DateTime | UnsetType = UNSET
    when_idle: DateTime | UnsetType = UNSET
    when_fetched: DateTime | UnsetType = UNSET
    session_key: str | UnsetType | None = UNSET
    initial_queue_pos: int | UnsetType = UNSET
    alert_level: int | UnsetType = UNSET
    rank: int | UnsetType = UNSET
    flags: ChatSessionFlags | UnsetType = UNSET
    contact: Contact | UnsetType | None = UNSET
    project: Project | UnsetType | None = UNSET
    sale: Sale | UnsetType | None = UNSET
    ticket: Ticket | UnsetType | None = UNSET
    transfer_to: Associate | UnsetType | None = UNSET
    chatbot_is_active: bool | UnsetType = UNSET
    rating: int | UnsetType = UNSET


class ChatSessionCreated(ChatSessionChange, frozen=True, kw_only=True):
    """A session was opened; fields at their default are left out."""

    topic: ClassVar[str] = "chat_session.created.v1"

    chat_session_id: ChatSessionId


class ChatSessionUpdated(ChatSessionChange, frozen=True, kw_only=True):
    """Fields of a session got other values: the fields that no event below covers."""

    topic: ClassVar[str] = "chat_session.updated.v1"


class ChatSessionRated(Event, frozen=True, kw_only=True):
    """A session got another rating."""

    topic: ClassVar[str] = "chat_session.rated.v1"

    rating: int


class ChatSessionClosed(Event, frozen=True, kw_only=True):
    """A session ended, for one reason or another."""

    topic: ClassVar[str] = "chat_session.closed.v1"

    status: ChatSessionStatus
    reason: str
    """`by_client`: somebody set the status; `customer_gone`: the customer stopped fetching."""
    when_ended: DateTime | UnsetType = UNSET


class ChatSessionPickedUp(Event, frozen=True, kw_only=True):
    """An agent took a session from the queue."""

    topic: ClassVar[str] = "chat_session.picked_up.v1"
    personal: ClassVar[frozenset[str]] = frozenset({"user"})
    agent: ClassVar[frozenset[str]] = frozenset({"user"})
    assigned: ClassVar[frozenset[str]] = personal

    user: Associate | None
    rank: int
    """The rank of the session among the agent's active ones."""
    when_started: DateTime


class ChatSessionTransferRequested(Event, frozen=True, kw_only=True):
    """An agent was asked to take over a session."""

    topic: ClassVar[str] = "chat_session.transfer_requested.v1"
    personal: ClassVar[frozenset[str]] = frozenset({"transfer_to"})
    agent: ClassVar[frozenset[str]] = frozenset({"transfer_to"})
    assigned: ClassVar[frozenset[str]] = personal

    transfer_to: Associate | None


class ChatSessionTransferAccepted(Event, frozen=True, kw_only=True):
    """The agent who was asked took a session over."""

    topic: ClassVar[str] = "chat_session.transfer_accepted.v1"
    personal: ClassVar[frozenset[str]] = frozenset({"user"})
    agent: ClassVar[frozenset[str]] = frozenset({"user"})
    assigned: ClassVar[frozenset[str]] = personal

    user: Associate | None
    rank: int


class ChatSessionTransferRejected(Event, frozen=True, kw_only=True):
    """The agent who was asked declined a session, or the agent who asked withdrew."""

    topic: ClassVar[str] = "chat_session.transfer_rejected.v1"


class ChatSessionReset(Event, frozen=True, kw_only=True):
    """A session went back to the queue, without an agent or a bot."""

    topic: ClassVar[str] = "chat_session.reset.v1"

    when_requested: DateTime
    initial_queue_pos: int


class ChatMessageAdded(Event, frozen=True, kw_only=True):
    """A message was posted in a session."""

    topic: ClassVar[str] = "chat_session.message_added.v1"
    personal: ClassVar[frozenset[str]] = frozenset({"message", "author", "special_param"})
    copies: ClassVar[Copies] = {"message": ("first_message", "last_message")}

    message_id: ChatMessageId
    type: ChatMessageType
    message: str | UnsetType | None = UNSET
    author: str | UnsetType | None = UNSET
    read_by_customer: int = 0
    special_type: ChatMessageSpecialType = ChatMessageSpecialType.NONE
    special_param: str | UnsetType | None = UNSET
    when_posted: DateTime
    status: ChatSessionStatus | UnsetType = UNSET
    """The session's status after the message, if it changed."""
    when_ended: DateTime | UnsetType = UNSET
    """The session's end after the message, if the message reopens it."""

    def of_agent(self) -> frozenset[str]:
        """The author, if an agent speaks. What is said is the customer's, whoever says it."""
        is_agent = speaker(self.type, self.special_type) is Speaker.AGENT
        return _AUTHOR if is_agent else self.agent


class ChatSessionFetched(Event, frozen=True, kw_only=True):
    """The customer's client fetched news of a session."""

    topic: ClassVar[str] = "chat_session.fetched.v1"

    when_fetched: DateTime


class ChatSessionDeleted(Event, frozen=True, kw_only=True):
    """A session was deleted."""

    topic: ClassVar[str] = "chat_session.deleted.v1"


class ChatSessionPersonalDataErased(Erasure, frozen=True, kw_only=True):
    """The keys of a session's customer, of its agents, or of both were erased."""

    topic: ClassVar[str] = "chat_session.personal_data_erased.v1"


ChatSessionEvent = (
    ChatSessionCreated
    | ChatSessionUpdated
    | ChatSessionRated
    | ChatSessionClosed
    | ChatSessionPickedUp
    | ChatSessionTransferRequested
    | ChatSessionTransferAccepted
    | ChatSessionTransferRejected
    | ChatSessionReset
    | ChatMessageAdded
    | ChatSessionFetched
    | ChatSessionDeleted
    | ChatSessionPersonalDataErased
)
