"""Reads the fields of a chat session from a request's body."""

from datetime import tzinfo
from typing import Any

import msgspec
from msgspec import Raw, Struct, field

from app.codecs.json_text import BadInput
from app.faces.superoffice.wire import bodies
from app.faces.superoffice.wire.members import pascal
from domain.chat.fields import ChatSessionFields
from domain.chat.message import ChatMessage
from domain.ids import ChatSessionId

_NULL = Raw(b"null")
_RIGHTS = (("table_right", Raw, _NULL), ("field_properties", Raw, _NULL))
PLAIN = pascal(ChatSessionFields, "ChatSessionEntity", _RIGHTS)
"""The fields of a session, and the rights that the API prints."""
ENTITY = pascal(
    ChatSessionFields,
    "ChatSessionEntity",
    (*_RIGHTS, ("links", Raw, field(name="_Links", default=_NULL))),
)
"""The same with links. Rights and links from clients are skipped unread."""
OWN = ChatSessionFields.__struct_fields__
"""The fields of a session, in documented order."""


def read_entity(
    body: bytes, content_type: bytes | None = None, zone: tzinfo | None = None
) -> ChatSessionFields:
    """The fields that a client gives a session; an absent field has its default.

    `zone` is the zone of date-times without an offset; None: they are kept unchanged. Raises
    BadInput with the documented name as `field`, or UnknownType for an unknown media type.
    """
    return _fields(bodies.read(ENTITY, body, content_type, zone))


def from_tree(tree: dict[str, Any]) -> ChatSessionFields:
    """The fields with the documented members in `tree`. Raises BadInput for invalid values."""
    return _fields(bodies.taken(ENTITY, tree))


def to_tree(state: ChatSessionFields) -> dict[str, Any]:
    """The members of an entity in JSON; a carrier has the members that were given with it."""
    entity = ENTITY(**{name: getattr(state, name) for name in OWN})
    tree: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(entity))
    for name in ENTITY.__struct_encode_fields__[len(OWN) :]:
        del tree[name]
    return tree


def refuse_another_id(given: ChatSessionFields | ChatMessage, number: ChatSessionId) -> None:
    """Refuse a body that names another session than the path; 0 or an absent id is ignored."""
    if given.chat_session_id not in (0, number):
        raise BadInput(
            f"The body is about session {given.chat_session_id}, not the one in the path",
            field="ChatSessionId",
        )


def _fields(entity: Struct) -> ChatSessionFields:
    return ChatSessionFields(**{name: getattr(entity, name) for name in OWN})
