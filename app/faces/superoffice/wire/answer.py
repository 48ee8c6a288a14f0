"""The answers of the SuperOffice-style API, in JSON and in XML."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import asdict, fields

from app.codecs.formats import JSON, XML, Format
from app.faces.superoffice.wire import xml
from app.faces.superoffice.wire.entity import ENTITY, OWN, PLAIN
from app.faces.superoffice.wire.locale import Locale
from app.faces.superoffice.wire.message import MESSAGE
from app.faces.superoffice.wire.rights import field_properties, table_right
from app.faces.superoffice.wire.selection import Selection
from domain.chat.fields import ChatSessionFields
from domain.chat.message import ChatMessage
from domain.chat.session import ChatSession

_ENCODER = msgspec.json.Encoder()


class Budget(Protocol):
    """A limit on the size of a body."""

    def written(self, parts: Iterable[bytes]) -> list[bytes]:
        """The parts of a body; raises as soon as they exceed the limit."""


class _Unbounded:
    def written(self, parts: Iterable[bytes]) -> list[bytes]:
        return list(parts)


UNBOUNDED: Budget = _Unbounded()


class _Alike(NamedTuple):
    """The encoded members that are equal in all sessions, for callers with the same rights.

    They make up more than half of an answer.
    """

    right: object
    new_right: object
    properties: object


def _alike(format_: Format, *, may_change: bool, sees_key: bool) -> _Alike:
    right = table_right(may_change=may_change)
    new_right = table_right(may_change=may_change, is_stored=False)
    names = ENTITY.__struct_encode_fields__[: len(OWN)]
    properties = field_properties(names, may_change=may_change, sees_key=sees_key)
    if format_ is JSON:
        return _Alike(*(Raw(_ENCODER.encode(each)) for each in (right, new_right, properties)))
    written = {name: xml.record(each) for name, each in properties.items()}
    return _Alike(xml.record(right), xml.record(new_right), xml.pairs(written, "FieldProperty"))


_ALIKE = {
    (format_.name, may_change, sees_key): _alike(format_, may_change=may_change, sees_key=sees_key)
    for format_ in (JSON, XML)
    for may_change in (True, False)
    for sees_key in (True, False)
}
_LINKED = (
    ("person", "Person", "person_id"),
    ("contact", "Contact", "contact_id"),
    ("project", "Project", "project_id"),
    ("sale", "Sale", "sale_id"),
    ("ticket", "Ticket", "ticket_id"),
)
"""Carriers that have a link of their own, with their ids. Users have no link."""


class RenderOptions(Struct, frozen=True, kw_only=True):
    """The options for the rendering of an answer."""

    format: Format = JSON
    """JSON or XML."""
    select: Selection | None = None
    """The shown members of an entity; None: all."""
    locale: Locale | None = None
    """None: date-times and texts are shown as stored."""
    show_session_key: bool = True
    """False nulls SessionKey, which admits its bearer to the session."""
    may_change: bool = True
    """Whether the caller may do more than read; the rights in the answer say so."""


def write_entity(
    state: ChatSessionFields, manner: RenderOptions, *, api_url: str | None = None
) -> bytes:
    """A session in the API's form and documented order; members that are not selected are null.

    A carrier shows only the members that were given with it. `api_url` is the URL of the API,
    `https://host/api/v1/`, for `_Links`; None: an entity without links.
    """
    return _written("ChatSessionEntity", _entity(state, manner, api_url), manner.format)


def owned_members(
    state: ChatSessionFields, *, may_change: bool, sees_key: bool, api_url: str
) -> Mapping[str, Any]:
    """The printed members of a session that are no fields: rights and links."""
    names = ENTITY.__struct_encode_fields__[: len(OWN)]
    return {
        "TableRight": table_right(may_change=may_change),
        "FieldProperties": field_properties(names, may_change=may_change, sees_key=sees_key),
        "_Links": _links(state, api_url),
    }


def write_entities(
    states: Sequence[ChatSessionFields], manner: RenderOptions, budget: Budget = UNBOUNDED
) -> bytes:
    """Several sessions, in their order, without links. Raises as the budget does."""
    entities = (_entity(state, manner, None) for state in states)
    return _several("ChatSessionEntity", entities, manner.format, budget)


def write_message(message: ChatMessage, manner: RenderOptions) -> bytes:
    """A message of a chat; `$select` is for entities."""
    return _written("ChatMessage", _message(message, manner), manner.format)


def write_messages(
    messages: Sequence[ChatMessage], manner: RenderOptions, budget: Budget = UNBOUNDED
) -> bytes:
    """Several messages, in their order. Raises as the budget does."""
    written = (_message(message, manner) for message in messages)
    return _several("ChatMessage", written, manner.format, budget)


def write_text(text: str, format_: Format) -> bytes:
    """A single text, such as a transcript."""
    return _written("string", text, format_)


def write_null(format_: Format) -> bytes:
    """Null in place of an entity."""
    return b"null" if format_ is JSON else xml.nil("ChatSessionEntity").encode()


def write_page(page: Mapping[str, Any], format_: Format, budget: Budget = UNBOUNDED) -> bytes:
    """A page of an OData list: `odata.metadata`, `odata.nextLink` and, as `value`, its rows.

    In XML, a row is a list of pairs, since the names of columns contain slashes. Raises as the
    budget does.
    """
    rows = page["value"]
    if format_ is XML:
        elements = (xml.element("Row", xml.pairs(row, "anyType")).encode() for row in rows)
        value = xml.Markup(b"".join(budget.written(elements)).decode())
        return _written("ODataSlimResponse", xml.record({**page, "value": value}), XML)
    written = budget.written(_ENCODER.encode(row) for row in rows)
    return _ENCODER.encode({**page, "value": [Raw(row) for row in written]})


def write_error(error_type: str, message: str, format_: Format = JSON) -> bytes:
    """An error in the API's form; `error_type` is a name such as `SoNotFoundException`."""
    return _written("Error", _Error(True, error_type, message, "Sessionary"), format_)


def write_invalid_request(detail: str, format_: Format) -> bytes:
    """The agent's answer to a missing or unreadable parameter; `detail` names it."""
    return _written("Error", _InvalidRequest("The request is invalid.", detail), format_)


class _InvalidRequest(Struct, frozen=True, rename="pascal"):
    message: str
    message_detail: str


class _Error(Struct, frozen=True, rename="pascal"):
    error: bool
    error_type: str
    error_message: str
    error_source: str


def _written(name: str, value: object, format_: Format) -> bytes:
    return _ENCODER.encode(value) if format_ is JSON else xml.element(name, value).encode()


def _several(name: str, values: Iterable[Struct], format_: Format, budget: Budget) -> bytes:
    """A list, encoded value by value, so that no more is written than an answer may have."""
    if format_ is JSON:
        return b"[%b]" % b",".join(budget.written(_ENCODER.encode(value) for value in values))
    elements = budget.written(xml.element(name, value).encode() for value in values)
    return b"<ArrayOf%b>%b</ArrayOf%b>" % (name.encode(), b"".join(elements), name.encode())


def unread_members(select: Selection | None) -> Sequence[str]:
    """The members of a session's document that `$select` does not show, by their stored names."""
    if select is None:
        return ()
    wire = dict(zip(PLAIN.__struct_fields__, PLAIN.__struct_encode_fields__, strict=True))
    return [
        field.encode_name
        for field in fields(ChatSession)
        if field.name != "chat_session_id"
        and wire.get(field.name, "").lower() not in select.members
    ]


def _entity(state: ChatSessionFields, manner: RenderOptions, api_url: str | None) -> Struct:
    values = {name: getattr(state, name) for name in OWN}
    if not manner.show_session_key:
        values["session_key"] = None
    alike = _ALIKE[manner.format.name, manner.may_change, manner.show_session_key]
    values["table_right"] = alike.right if state.chat_session_id else alike.new_right
    values["field_properties"] = alike.properties
    if api_url is None:
        entity = PLAIN(**values)
    else:
        links = _links(state, api_url)
        is_json = manner.format is JSON
        values["links"] = Raw(_ENCODER.encode(links)) if is_json else links
        entity = ENTITY(**values)
    if manner.locale is not None:
        entity = manner.locale.shown(entity)
    return entity if manner.select is None else manner.select.of(entity)


def _links(state: ChatSessionFields, api_url: str) -> dict[str, str]:
    archive = f"{api_url}ChatSession/"
    links = {"Self": f"{archive}{state.chat_session_id}/"}
    for attribute, name, key in _LINKED:
        carrier = getattr(state, attribute)
        # Without a number, the link would lead nowhere.
        if carrier is not None and isinstance(number := getattr(carrier, key), int) and number:
            links[name] = f"{api_url}{name}/{number}/"
    links["Archive"] = archive
    return links


def _message(message: ChatMessage, manner: RenderOptions) -> Struct:
    written = MESSAGE(**asdict(message))
    return written if manner.locale is None else manner.locale.shown(written)
