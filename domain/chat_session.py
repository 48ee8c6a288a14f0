"""A chat session: what may be done with it (`decide`) and what then holds (`evolve`)."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, assert_never

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import asdict, replace

from domain.chat_carriers import Associate, Contact, Person, Project, Sale
from domain.chat_enums import ChatSessionFlags, ChatSessionStatus
from domain.chat_ticket import Ticket
from domain.date_time import EMPTY, DateTime
from domain.errors import AlreadyExists, NotFound
from domain.event import Event
from domain.ids import ChatSessionId
from domain.limits import (
    INT32,
    CustomerAlias,
    CustomerCompanyName,
    CustomerEmail,
    CustomerHost,
    CustomerName,
    CustomerPhone,
    Int32,
    MessageCopy,
    SessionKey,
)


class ChatSessionFields(Struct, frozen=True, kw_only=True):
    """All that a session holds, in documented order; the defaults are those of a new entity."""

    chat_session_id: Annotated[ChatSessionId, INT32] = ChatSessionId(0)
    topic_id: Int32 = 0
    user: Associate | None = None
    person: Person | None = None
    customer_alias: CustomerAlias | None = None
    customer_host: CustomerHost | None = None
    customer_name: CustomerName | None = None
    customer_email: CustomerEmail | None = None
    customer_phone: CustomerPhone | None = None
    customer_consented: bool = False
    customer_company_name: CustomerCompanyName | None = None
    status: ChatSessionStatus = ChatSessionStatus.INVALID
    first_message: MessageCopy | None = None
    last_message: MessageCopy | None = None
    when_requested: DateTime = EMPTY
    when_started: DateTime = EMPTY
    when_ended: DateTime = EMPTY
    when_idle: DateTime = EMPTY
    when_fetched: DateTime = EMPTY
    session_key: SessionKey | None = None
    initial_queue_pos: Int32 = 0
    alert_level: Int32 = 0
    rank: Int32 = 0
    flags: ChatSessionFlags = ChatSessionFlags.CUSTOMER_IS_TYPING
    contact: Contact | None = None
    project: Project | None = None
    sale: Sale | None = None
    ticket: Ticket | None = None
    transfer_to: Associate | None = None
    chatbot_is_active: bool = False
    rating: Int32 = 0


class NewChatSession(ChatSessionFields, frozen=True, kw_only=True):
    """Create a session under an id that the service has drawn."""

    chat_session_id: ChatSessionId


class UpdateChatSession(ChatSessionFields, frozen=True, kw_only=True):
    """Replace a session as a whole: a field that is left out goes back to its default."""

    chat_session_id: ChatSessionId


class DeleteChatSession(Struct, frozen=True, kw_only=True):
    """Delete a session: it is gone for clients; its history stays."""

    chat_session_id: ChatSessionId


Command = NewChatSession | UpdateChatSession | DeleteChatSession


class ChatSessionChange(Event, frozen=True, kw_only=True):
    """What the events below share: the fields that happened to get a value, None among them."""

    # Every carrier can name a person: an agent, a customer, the owner of a sale.
    personal: ClassVar[frozenset[str]] = frozenset(
        {
            *("user", "person", "contact", "project", "sale", "ticket", "transfer_to"),
            *("customer_alias", "customer_host", "customer_name", "customer_email"),
            *("customer_phone", "customer_company_name"),
            *("first_message", "last_message", "session_key"),
        }
    )

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
    """Fields of a session got other values."""

    topic: ClassVar[str] = "chat_session.updated.v1"


class ChatSessionDeleted(Event, frozen=True, kw_only=True):
    """A session was deleted."""

    topic: ClassVar[str] = "chat_session.deleted.v1"


ChatSessionEvent = ChatSessionCreated | ChatSessionUpdated | ChatSessionDeleted


class ChatSession(ChatSessionFields, frozen=True, kw_only=True):
    """What holds of a session after its events."""

    deleted: bool = False


CHANGEABLE = ChatSessionChange.__struct_fields__
"""Every field but the id, which a session keeps for ever."""
_EMPTY_FIELDS = asdict(ChatSessionFields())


def decide(command: Command, state: ChatSession | None) -> Sequence[ChatSessionEvent]:
    """Events that a command adds; none when nothing changes.

    Raises NotFound for a session that is not there, AlreadyExists for a taken id.
    """
    if isinstance(command, NewChatSession):
        if state is not None:
            raise AlreadyExists("ChatSession", command.chat_session_id)
        wanted = asdict(command)
        given = {name: wanted[name] for name in CHANGEABLE if wanted[name] != _EMPTY_FIELDS[name]}
        return [ChatSessionCreated(chat_session_id=command.chat_session_id, **given)]
    if state is None or state.deleted:
        raise NotFound("ChatSession", command.chat_session_id)
    match command:
        case UpdateChatSession():
            wanted, held = asdict(command), asdict(state)
            changed = {name: wanted[name] for name in CHANGEABLE if wanted[name] != held[name]}
            return [ChatSessionUpdated(**changed)] if changed else []
        case DeleteChatSession():
            return [ChatSessionDeleted()]
        case _:
            assert_never(command)


def evolve(state: ChatSession | None, event: ChatSessionEvent) -> ChatSession:
    """The session after one more event."""
    match event:
        case ChatSessionCreated() | ChatSessionUpdated():
            given = {name: value for name, value in asdict(event).items() if value is not UNSET}
            return replace(state or ChatSession(), **given)
        case ChatSessionDeleted():
            number = ChatSessionId(0) if state is None else state.chat_session_id
            return ChatSession(chat_session_id=number, deleted=True)
        case _:
            assert_never(event)
