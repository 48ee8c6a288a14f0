"""Binds a request's body, path and query to its DTO; members are case-insensitive.

Order of precedence: the path comes first, and nothing may contradict it. On REST routes, the query
precedes the body; on predefined routes, the body precedes the query (ServiceStack). Empty values
of a query or a form are ignored. So are unknown members, but a body with no others is refused: its
sender would take a success for a confirmation that they were applied.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypeVar, get_args, get_origin

import msgspec
from msgspec import Struct

from app.codecs import form, json_text, jsv
from app.codecs.dto import Dto
from app.codecs.formats import (
    JSON,
    JSON_LINES,
    XML,
    Format,
    UnknownType,
    charset_of,
    media_type,
    of_media_type,
)
from app.codecs.json_text import BadInput, Budget, TooManyValues
from app.codecs.value import Tree
from app.faces.evo.wire import bodies

D = TypeVar("D", bound=Dto)
T = TypeVar("T")

_URLENCODED = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
_FORMS = frozenset({_URLENCODED, _MULTIPART})


class RequestParts(Struct, frozen=True, kw_only=True):
    """The parts of a request that are bound to its DTO."""

    body: bytes = b""
    content_type: bytes | None = None
    handler: Format | None = None
    """The format of a predefined route; None on REST routes."""
    path: Mapping[str, str] = {}
    """Parameters by wire name."""
    query: Sequence[tuple[str, str]] = ()


class BadItem(BadInput):
    """One request of a batch cannot be read."""

    def __init__(self, error: BadInput, index: int) -> None:
        """`error` is that of the request at `index`, from 0."""
        self.index = index
        super().__init__(str(error), field=error.field, code=error.code)


def bind(kind: type[D], sent: RequestParts) -> D:
    """The request DTO. Raises BadInput, or UnknownType for a body of an unknown format."""
    if _is_empty(sent):
        return assemble(kind, {}, sent) if sent.query else _converted(dict(sent.path), kind)
    if not sent.query and not _lists(kind) and _reads_json(sent):
        request: D | None = json_text.decode_some(_decoder(kind), sent.body)
        if request is not None:
            return _addressed(request, sent.path)
    return assemble(kind, read(kind, sent), sent)


def bind_all(kind: type[D], sent: RequestParts) -> list[D]:
    """The request DTOs of a batch. Raises BadItem, BadInput for the whole, or UnknownType."""
    tree = read(kind, sent) if sent.body.strip() else []
    items = tree if isinstance(tree, list) else [tree]
    bodies.refuse_long(items)
    requests: list[D] = []
    budget = Budget()
    for index, item in enumerate(items):
        try:
            requests.append(assemble(kind, item, sent, budget))
        except TooManyValues:
            raise  # the batch as a whole has too many values
        except BadInput as error:
            raise BadItem(error, index) from error
    return requests


def read(kind: type[Dto], sent: RequestParts) -> Tree:
    """The content of a body, not yet bound to a type; a list if it has several requests."""
    body = sent.body
    if _is_form(sent):
        if media_type(sent.content_type) == _MULTIPART:
            given = form.read_multipart(body, sent.content_type or b"")
        else:
            given = form.read_urlencoded(body)
        # An empty field is ignored, as in a query (ServiceStack).
        return _ticked(kind, {name: value or None for name, value in given.items()})
    format_ = _body_format(sent)
    if format_ is None:
        name = media_type(sent.content_type)
        raise UnknownType(f"A body of type {name[:100]!r} cannot be read")
    return bodies.read(format_, kind.__name__, body, charset_of(sent.content_type))


def assemble(kind: type[D], tree: Tree, sent: RequestParts, budget: Budget | None = None) -> D:
    """A request DTO from the members of a body, the path and the query. Raises BadInput.

    `budget` limits the lists that are written as texts, for all requests of a batch together.
    """
    members = _named(kind, tree)
    for name, value in sent.path.items():
        _refuse_another(name, members.get(name), value)
        members[name] = value
    known = _wire_names(kind)
    for name, value in _ticked(kind, _joined(sent.query)).items():
        wire = known.get(name)
        if wire is None or not value:
            continue
        if wire in sent.path:
            _refuse_another(wire, value, sent.path[wire])
        elif sent.handler is None or members.get(wire) is None:
            members[wire] = value
    lists = _lists(kind)
    if lists:
        budget = budget or Budget()
        for wire in members.keys() & lists:
            members[wire] = _listed(members[wire], budget)
    return _converted(members, kind)


def _converted(members: dict[str, Any], kind: type[D]) -> D:
    try:
        return msgspec.convert(members, kind, strict=False)
    except msgspec.ValidationError as error:
        raise json_text.invalid(error) from error


def _is_empty(sent: RequestParts) -> bool:
    if not sent.body:
        return True
    if sent.body[:1] in (b"{", b"[", b"<"):
        return False  # the usual bodies, without a copy
    # ServiceStack's clients send null if they have no request to send.
    body = sent.body.strip()
    return not body or (body == b"null" and _reads_json(sent))


def _reads_json(sent: RequestParts) -> bool:
    usual = sent.content_type == b"application/json" and sent.handler in (None, JSON)
    return usual or (_body_format(sent) is JSON and not _is_form(sent))


def _is_form(sent: RequestParts) -> bool:
    # Some clients declare JSON as a form: `curl -d` does so by default.
    return media_type(sent.content_type) in _FORMS and not _looks_like_json(sent.body)


def _body_format(sent: RequestParts) -> Format | None:
    """The format of a body that is no form; None if unknown."""
    handler, found = sent.handler, of_media_type(media_type(sent.content_type))
    if handler is None:
        # Without a media type, or with a vague one (plain text), the first byte reveals JSON.
        return found or (JSON if _looks_like_json(sent.body) else None)
    if handler not in (JSON, JSON_LINES) or found in (None, JSON):
        return handler
    return handler if found is XML and _looks_like_json(sent.body) else found


def _looks_like_json(body: bytes) -> bool:
    return body.lstrip()[:1] in (b"{", b"[")


def _addressed(request: D, path: Mapping[str, str]) -> D:
    for name, value in path.items():
        attribute = _attributes(type(request))[name]
        _refuse_another(name, getattr(request, attribute), value)
        setattr(request, attribute, value)
    return request


def _refuse_another(name: str, given: object, addressed: str) -> None:
    if given not in (None, "", addressed):
        raise BadInput(f"{name} is not the one in the path", field=name)


def _named(kind: type[Dto], tree: Tree) -> dict[str, Any]:
    """The members of a DTO under their wire names, without null and unknown ones."""
    if not isinstance(tree, dict):
        raise BadInput(f"An object with the members of {kind.__name__} is expected")
    known = _wire_names(kind)
    members: dict[str, Any] = {}
    for name, value in tree.items():
        wire = known.get(name.lower())
        if wire is None:
            continue
        if wire in members:
            raise BadInput(f"The member {wire!r} is given twice", field=wire)
        members[wire] = value
    if tree and not members:
        own = [field.encode_name for field in _fields(kind)]
        raise json_text.unknown_members(kind.__name__, tree, own)
    return {name: value for name, value in members.items() if value is not None}


def _joined(query: Sequence[tuple[str, str]]) -> dict[str, str]:
    """A query's values by lower-case name; commas join the values of a repeated name."""
    joined: dict[str, str] = {}
    for name, value in query:
        key = name.lower()
        joined[key] = f"{joined[key]},{value}" if joined.get(key) else value
    return joined


def _ticked(kind: type[Dto], given: Mapping[str, T]) -> dict[str, T | str]:
    """The same values, but `true` for a ticked box: HTML's forms send `on`."""
    truths = _truths(kind)
    return {
        name: "true" if value == "on" and name.lower() in truths else value
        for name, value in given.items()
    }


def _listed(value: Tree, budget: Budget) -> Tree:
    match value:
        case str():
            value = jsv.read_value(value, budget)
        case dict():  # XML: each item has an element with a name of its own
            value = next(iter(value.values()), [])
    if value in (None, ""):
        return []
    return value if isinstance(value, list) else [value]


@cache
def _decoder(kind: type[D]) -> msgspec.json.Decoder[D]:
    return msgspec.json.Decoder(kind, strict=False)  # as lenient as `assemble`


@cache
def _wire_names(kind: type[Dto]) -> dict[str, str]:
    return {field.encode_name.lower(): field.encode_name for field in _fields(kind)}


@cache
def _attributes(kind: type[Dto]) -> dict[str, str]:
    return {field.encode_name: field.name for field in _fields(kind)}


@cache
def _lists(kind: type[Dto]) -> frozenset[str]:
    return frozenset(field.encode_name for field in _fields(kind) if _holds(list, field.type))


@cache
def _truths(kind: type[Dto]) -> frozenset[str]:
    """Names of the boolean members, in lower case."""
    return frozenset(
        field.encode_name.lower() for field in _fields(kind) if _holds(bool, field.type)
    )


def _holds(kind: type, annotation: object) -> bool:
    """Whether an annotation allows a value of the class `kind`."""
    if kind in (annotation, get_origin(annotation)):
        return True
    return any(_holds(kind, each) for each in get_args(annotation))


def _fields(kind: type[Dto]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(kind)
