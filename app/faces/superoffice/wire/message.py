"""Reads a chat message from a request's body."""

from datetime import tzinfo

from msgspec.structs import asdict

from app.faces.superoffice.wire import bodies
from app.faces.superoffice.wire.members import pascal
from domain.chat.message import ChatMessage

MESSAGE = pascal(ChatMessage, "ChatMessage")
"""The fields of a message under their documented names."""


def read_message(
    body: bytes, content_type: bytes | None = None, zone: tzinfo | None = None
) -> ChatMessage:
    """The message that a client adds, with the client's own ids and instant.

    Arguments and errors are those of `entity.read_entity`.
    """
    return ChatMessage(**asdict(bodies.read(MESSAGE, body, content_type, zone)))
