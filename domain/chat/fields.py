"""The fields of a chat session, as clients give them and as it holds them."""

from typing import Annotated

from msgspec import Struct

from domain.chat.carriers import Associate, Contact, Person, Project, Sale
from domain.chat.enums import ChatSessionFlags, ChatSessionStatus
from domain.chat.ticket import Ticket
from domain.date_time import EMPTY, DateTime
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
    """All fields of a session, in documented order; the defaults are those of a new entity."""

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
