"""A message of a chat session as it was posted, and its speaker."""

from enum import Enum
from typing import Annotated

from msgspec import Struct

from domain.chat.enums import ChatMessageSpecialType, ChatMessageType
from domain.date_time import EMPTY, DateTime
from domain.ids import ChatMessageId, ChatSessionId
from domain.limits import INT32, Int32, MessageAuthor, MessageParameter, MessageText


class ChatMessage(Struct, frozen=True, kw_only=True):
    """All fields of a message, in documented order; the defaults are those of a new entity."""

    chat_message_id: Annotated[ChatMessageId, INT32] = ChatMessageId(0)
    chat_session_id: Annotated[ChatSessionId, INT32] = ChatSessionId(0)
    type: ChatMessageType = ChatMessageType.INVALID
    message: MessageText | None = None
    author: MessageAuthor | None = None
    read_by_customer: Int32 = 0
    special_type: ChatMessageSpecialType = ChatMessageSpecialType.NONE
    special_param: MessageParameter | None = None
    when_posted: DateTime = EMPTY
    """UTC."""


class Speaker(Enum):
    """The party that speaks in a message."""

    CUSTOMER = "customer"
    AGENT = "agent"
    """An agent, or a bot in an agent's place."""
    NOBODY = "nobody"
    """No party: the chat itself reports something."""


_SPECIAL = {
    ChatMessageSpecialType.CLICKED_OPTION: Speaker.CUSTOMER,
    ChatMessageSpecialType.REOPENED_BY_CUSTOMER: Speaker.CUSTOMER,
    ChatMessageSpecialType.BOT_MESSAGE: Speaker.AGENT,
    ChatMessageSpecialType.OPTIONS: Speaker.AGENT,
    ChatMessageSpecialType.WELCOME: Speaker.AGENT,
}


def speaker(type_: ChatMessageType, special_type: ChatMessageSpecialType) -> Speaker:
    """The speaker of a message: derived from its recipient, else from its special type."""
    match type_:
        case ChatMessageType.TO_USER:
            return Speaker.CUSTOMER
        case ChatMessageType.TO_CUSTOMER:
            return Speaker.AGENT
        case _:
            return _SPECIAL.get(special_type, Speaker.NOBODY)
