"""Chat sessions as the SuperOffice-style API reads and prints them in JSON."""

from functools import cache
from typing import NamedTuple, Self, TypeVar, get_args

import msgspec
from msgspec import UNSET, Raw, Struct, field
from msgspec.structs import asdict, fields, replace

from app.wire import json_text
from app.wire.json_text import BadInput
from app.wire.superoffice_lenient import documented
from app.wire.superoffice_rights import TABLE_RIGHT, field_properties
from domain import date_time
from domain.chat_session import ChatSessionFields, NewChatSession, UpdateChatSession
from domain.date_time import DateTime
from domain.ids import ChatSessionId

NO_ENTITY = "Bad request. Entity to save is not in request body."
"""The documented sentence for a body without an entity."""

C = TypeVar("C", NewChatSession, UpdateChatSession)

_NULL = Raw(b"null")
_OWN = fields(ChatSessionFields)
# The fields of a session under their documented names, and what the API prints after them.
# What a client sends of the latter is skipped unread.
_Entity = msgspec.defstruct(
    "ChatSessionEntity",
    [
        *((own.name, own.type, own.default) for own in _OWN),
        ("table_right", Raw, _NULL),
        ("field_properties", Raw, _NULL),
        ("links", Raw, field(name="_Links", default=_NULL)),
    ],
    rename="pascal",
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
)
_NAMES = tuple(
    (name, wire.lower())
    for name, wire in zip(_Entity.__struct_fields__, _Entity.__struct_encode_fields__, strict=True)
)
_FIELD_PROPERTIES = field_properties(_Entity.__struct_encode_fields__[: len(_OWN)])
_STRICT = msgspec.json.Decoder(_Entity)
_ANY = msgspec.json.Decoder(float_hook=float)  # a number too large becomes inf, not an error
_ENCODER = msgspec.json.Encoder()


def read_entity(body: bytes) -> ChatSessionFields:
    """What a client wants a session to hold; a field it leaves out has its default.

    Names count in any case, choices by name or number, unknown members not at all: the
    official client writes camelCase. Raises BadInput, `field` by its documented name.
    """
    if body.strip() in (b"", b"null"):
        raise BadInput(NO_ENTITY)
    try:
        entity = json_text.decode(_STRICT, body)
    except BadInput as refusal:
        if refusal.code != "ValidationException":
            raise
        entity = _read_leniently(body, refusal)
    _check_dates(entity)
    values = asdict(entity)
    del values["table_right"], values["field_properties"], values["links"]
    return ChatSessionFields(**values)


def command(kind: type[C], chat_session_id: ChatSessionId, given: ChatSessionFields) -> C:
    """The command to create or replace a session; the id that the entity names is ignored."""
    return kind(**(asdict(given) | {"chat_session_id": chat_session_id}))


class Selection(Struct, frozen=True):
    """What `$select` asks for: names in lower case, each with what it asks for below it.

    None below a name: all of it.
    """

    members: dict[str, "Selection | None"]

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The selection that `$select` spells, `name,department,category/id`; None: everything.

        Case and blanks are ignored, and so is, later, a name that nothing has.
        """
        selection = cls({})
        for path in text.lower().split(","):
            names = [name for part in path.split("/") if (name := part.strip())]
            if names:
                selection._add(names)
        return selection if selection.members else None

    def _add(self, names: list[str]) -> None:
        selection: Selection = self
        for name in names[:-1]:
            below = selection.members.setdefault(name, Selection({}))
            if below is None:
                return
            selection = below
        selection.members[names[-1]] = None


def write_entity(
    state: ChatSessionFields, *, self_url: str, archive_url: str, select: Selection | None
) -> bytes:
    """A session as the API prints it, in documented order; what `select` leaves out is null.

    A carrier shows the members that were given with it, no others.
    """
    values = {own.name: getattr(state, own.name) for own in _OWN}
    values["table_right"] = TABLE_RIGHT
    values["field_properties"] = _FIELD_PROPERTIES
    values["links"] = Raw(_ENCODER.encode({"Self": self_url, "Archive": archive_url}))
    if select is not None:
        for name, wire in _NAMES:
            values[name] = _shown(values[name], wire, select)
    return _ENCODER.encode(_Entity(**values))


class _Error(Struct, frozen=True, rename="pascal"):
    error: bool
    error_type: str
    error_message: str
    error_source: str


def write_error(error_type: str, message: str) -> bytes:
    """An error as the API prints it; `error_type` such as `SoNotFoundException`."""
    return _ENCODER.encode(_Error(True, error_type, message, "Sessionary"))


def _read_leniently(body: bytes, refusal: BadInput) -> Struct:
    given = json_text.decode(_ANY, body)
    if not isinstance(given, dict):
        raise refusal
    try:
        return msgspec.convert(documented(given, _Entity), _Entity)
    except msgspec.ValidationError as error:
        raise json_text.invalid(error) from error


def _check_dates(entity: Struct, path: str = "") -> None:
    places = _places(type(entity))
    for name, wire in places.dates:
        text = getattr(entity, name)
        if isinstance(text, str):
            try:
                date_time.parse(text)
            except ValueError as error:
                where = path + wire
                raise BadInput(str(error), field=where, code="ValidationException") from error
    for name, wire in places.carriers:
        carrier = getattr(entity, name)
        if isinstance(carrier, Struct):
            _check_dates(carrier, f"{path}{wire}.")


class _Places(NamedTuple):
    """The members of a Struct that hold date-times, and those that hold further Structs."""

    dates: list[tuple[str, str]]
    carriers: list[tuple[str, str]]


@cache
def _places(struct: type[Struct]) -> _Places:
    places = _Places([], [])
    for member in fields(struct):
        kinds = (member.type, *get_args(member.type))
        if DateTime in kinds:
            places.dates.append((member.name, member.encode_name))
        elif any(isinstance(kind, type) and issubclass(kind, Struct) for kind in kinds):
            places.carriers.append((member.name, member.encode_name))
    return places


def _shown(value: object, wire: str, select: Selection) -> object:
    if wire not in select.members:
        return None
    below = select.members[wire]
    if below is None or not isinstance(value, Struct):
        return value
    names = zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True)
    given = {name: wire for name, wire in names if getattr(value, name) is not UNSET}
    return replace(
        value,
        **{name: _shown(getattr(value, name), wire.lower(), below) for name, wire in given.items()},
    )
