"""Reads the carrier in a request's body, in any of its formats.

In XML, the members are elements within one with the carrier's name. In a form, they are names;
nested ones are `Contact.ContactId` or `Contact[ContactId]`. Both formats have texts only: the
member determines the type, and an empty value means the default, unless the member is a text.
"""

import re
from collections.abc import Mapping
from datetime import tzinfo
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, inspect
from msgspec.structs import replace

from app.codecs import form, json_text, xml_text
from app.codecs.formats import JSON, XML, charset_of
from app.codecs.json_text import BadInput, Budget
from app.codecs.limits import MAX_DEPTH, NAME_LENGTH
from app.codecs.value import Tree
from app.faces.superoffice.wire.coerce import Reading, Spelled, bad, documented
from app.faces.superoffice.wire.members import members
from app.faces.superoffice.wire.negotiation import request_format
from domain import date_time
from domain.date_time import DateTime

S = TypeVar("S", bound=Struct)

NO_ENTITY = "Bad request. Entity to save is not in request body."
"""The documented sentence for a body without an entity."""

_ANY: msgspec.json.Decoder[Tree] = msgspec.json.Decoder(float_hook=Spelled)
_USUAL_BYTES = 16 * 1024
"""Limit of bodies that are decoded directly into their type; see `_read_json`."""
_NAME = re.compile(r"\[([^\[\]]*)\]|([^.\[\]]+)")


def read(
    shape: type[Struct], body: bytes, content_type: bytes | None, zone: tzinfo | None
) -> Struct:
    """The carrier of this shape in `body`; an absent member has its default.

    Names are case-insensitive, for the official client writes camelCase. Choices are names or
    numbers; unknown members are ignored. `zone` is the zone of date-times without an offset; None:
    they stay so. Raises BadInput with the documented name as `field`, or UnknownType for an
    unknown media type.
    """
    if is_empty(body):
        raise BadInput(NO_ENTITY)
    format_ = request_format(content_type, body)
    if format_ is JSON:
        return _read_json(shape, body, zone)
    if format_ is XML:
        tree = _read_xml(shape, body, charset_of(content_type))
    else:
        tree = _nested(form.read_urlencoded(body))
        if not tree:  # separators only, no field
            raise BadInput(NO_ENTITY)
    _refuse_strange(shape, tree)
    return taken(shape, documented(tree, shape, Reading(text=True, zone=zone)))


def is_empty(body: bytes) -> bool:
    """Whether a body is empty or `null`, which the official client sends for an empty one."""
    return len(body) < 1_000 and body.strip() in (b"", b"null")


def read_tree(body: bytes) -> Tree:
    """The value in JSON, without any expected type. Raises BadInput."""
    return json_text.decode(_ANY, body)


def taken(shape: type[Struct], tree: Mapping[str, object]) -> Struct:
    """The carrier with the documented members in `tree`. Raises BadInput for invalid values."""
    try:
        carrier = msgspec.convert(tree, shape)
    except msgspec.ValidationError as error:
        raise json_text.invalid(error) from error
    return _with_dates(carrier)


def _read_json(shape: type[Struct], body: bytes, zone: tzinfo | None) -> Struct:
    # The decoder is slow with a number such as 1e300 where a number is expected, and a member may
    # be repeated any number of times. So a body that could have thousands goes the other way.
    if zone is None and len(body) <= _USUAL_BYTES:
        try:
            carrier = json_text.decode(_strict(shape), body)
        except BadInput as error:
            if error.code != "ValidationException":
                raise
        else:
            return _with_dates(carrier)
    tree = read_tree(body)
    if not isinstance(tree, dict):
        kind = "array" if isinstance(tree, list) else type(tree).__name__
        raise BadInput(f"Expected `object`, got `{kind}`")
    _refuse_strange(shape, tree)
    return taken(shape, documented(tree, shape, Reading(zone=zone)))


def _refuse_strange(shape: type[Struct], tree: Mapping[str, object]) -> None:
    """Refuse a body with unknown members only: its sender would believe that they were applied."""
    names = shape.__struct_encode_fields__
    if tree and {name.lower() for name in names}.isdisjoint(map(str.lower, tree)):
        raise json_text.unknown_members(shape.__name__, tree, names)


def _read_xml(shape: type[Struct], body: bytes, charset: str) -> dict[str, Any]:
    root, tree = xml_text.read(body, charset)
    if root.lower() not in (shape.__name__.lower(), f"{shape.__name__}WithLinks".lower()):
        # All of its members would be unknown, and a default entity would replace the stored one.
        raise BadInput(f"The root element is {root[:50]!r}, not {shape.__name__!r}")
    if tree is None:
        raise BadInput(NO_ENTITY)
    if not isinstance(tree, dict):
        raise BadInput(f"{shape.__name__} has a text, where members are expected")
    return tree


def _nested(pairs: Tree) -> dict[str, Any]:
    """The members of a form, with those of each carrier in a tree of their own."""
    found: dict[str, Any] = {}
    budget = Budget()
    for name, value in pairs.items() if isinstance(pairs, dict) else ():
        if len(name) > NAME_LENGTH:
            raise BadInput(f"A name of a form has more than {NAME_LENGTH} characters")
        *path, last = [key or part for key, part in _NAME.findall(name)] or [name]
        if len(path) > MAX_DEPTH:
            raise BadInput(f"A name is nested deeper than {MAX_DEPTH} levels")
        budget.spend(1 + len(path))
        holder = found
        for part in path:
            holder = holder.setdefault(part, {})
            if not isinstance(holder, dict):
                raise BadInput(f"{part!r} has a value and members", field=part)
        if isinstance(holder.get(last), dict):
            raise BadInput(f"{last!r} has a value and members", field=last)
        holder[last] = value
    return found


@cache
def _strict(shape: type[Struct]) -> msgspec.json.Decoder[Struct]:
    return msgspec.json.Decoder(shape)


def _with_dates(carrier: S, path: str = "") -> S:
    """The carrier with all date-times in the API's spelling. Raises BadInput for invalid ones."""
    dates, carriers = _places(type(carrier))
    changed: dict[str, object] = {}
    for attribute, name in dates:
        given = getattr(carrier, attribute)
        if isinstance(given, str) and (read := _date(given, path + name)) != given:
            changed[attribute] = read
    for attribute, name in carriers:
        below = getattr(carrier, attribute)
        if (
            isinstance(below, Struct)
            and (spelt := _with_dates(below, f"{path}{name}.")) is not below
        ):
            changed[attribute] = spelt
    return replace(carrier, **changed) if changed else carrier


def _date(text: str, where: str) -> DateTime:
    try:
        return date_time.parse(text)
    except ValueError as error:
        raise bad(str(error), where) from error


@cache
def _places(shape: type[Struct]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The members with date-times, and those with nested carriers."""
    known = members(shape).values()
    return (
        [(member.attribute, member.name) for member in known if member.is_date],
        [
            (member.attribute, member.name)
            for member in known
            if isinstance(member.kind, inspect.StructType)
        ],
    )
