"""A chat session as it is written for a client."""

from typing import Any

import msgspec
from msgspec.structs import replace

from app.codecs.formats import XML
from app.faces.superoffice.wire.answer import RenderOptions, write_entity
from app.faces.superoffice.wire.selection import Selection
from domain.chat.carriers import Address, Contact, StructuredAddress
from domain.chat.enums import AddressType
from domain.chat.fields import ChatSessionFields

API = "https://h:443/api/v1/"
PLAINLY = RenderOptions()
CONTACT = Contact(
    contact_id=5,
    url="so.example",
    address=Address(street=StructuredAddress(atype_idx=AddressType.UNKNOWN, city="Oslo")),
)


def written(state: ChatSessionFields, select: str = "") -> dict[str, Any]:
    body = write_entity(state, RenderOptions(select=Selection.parse(select)), api_url=API)
    entity: dict[str, Any] = msgspec.json.decode(body)
    return entity


def xml_of(state: ChatSessionFields, manner: RenderOptions = PLAINLY) -> str:
    return write_entity(state, replace(manner, format=XML)).decode()
