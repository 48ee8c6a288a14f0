"""A chat session that has a bit of everything, and patches of it."""

from typing import Any, TypeAlias

import msgspec
from msgspec.structs import replace

from app.faces.superoffice.wire.entity import read_entity
from app.faces.superoffice.wire.locale import AS_STORED, Locale
from app.faces.superoffice.wire.owned import Shown, nothing_shown
from app.faces.superoffice.wire.patch import patched
from app.faces.superoffice.wire.patch_body import read_patch
from domain.chat.carriers import Address, Associate, Contact, LocalizedField, Sale
from domain.chat.fields import ChatSessionFields
from domain.date_time import DateTime
from support.documents import PUT_CHAT_SESSION as DOCUMENTED

Members: TypeAlias = dict[str, Any]

STATE = read_entity(DOCUMENTED)
LINES = ((LocalizedField(name="a"), LocalizedField(name="b")), (LocalizedField(name="c"),))
COMPANY = Contact(contact_id=5, name="Acme", address=Address(localized_address=LINES))
RICH = replace(
    STATE,
    contact=COMPANY,
    user=Associate(associate_id=7, custom_fields={"x:Y": "1", "a/b": "2"}),
    sale=Sale(amount=1.5, sale_date=DateTime("2018-07-01T12:00:00")),
)


def one(op: str, path: str, *value: object) -> list[Members]:
    """A patch of one operation."""
    return [{"op": op, "path": path} | ({"value": value[0]} if value else {})]


def patched_by(
    state: ChatSessionFields,
    body: bytes,
    content_type: bytes | None = None,
    locale: Locale = AS_STORED,
    shown: Shown = nothing_shown,
) -> ChatSessionFields:
    """What a session is to hold after the patch in a body."""
    return patched(state, read_patch(body, content_type), locale, shown)


def after(patch: object, state: ChatSessionFields = STATE) -> ChatSessionFields:
    return patched_by(state, msgspec.json.encode(patch))
