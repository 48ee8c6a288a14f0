"""A chat session as it is shown by a locale."""

from typing import Any

import msgspec

from app.faces.superoffice.wire.answer import RenderOptions, write_entity
from app.faces.superoffice.wire.locale import locale_of
from domain.chat.fields import ChatSessionFields

MANY = 'NO:"Kunde";US:"Customer"'


def shown(state: ChatSessionFields, headers: dict[bytes, bytes]) -> dict[str, Any]:
    written = write_entity(state, RenderOptions(locale=locale_of(headers)))
    entity: dict[str, Any] = msgspec.json.decode(written)
    return entity
