"""Carriers as loosely as clients write them, put into documented form."""

import re
from collections.abc import Mapping
from datetime import tzinfo
from math import isinf
from typing import Any, NamedTuple, NoReturn

from msgspec import Struct, inspect

from app.wire.json_text import BadInput
from app.wire.superoffice import zones
from app.wire.superoffice.choices import choice
from app.wire.superoffice.members import Member, members
from domain.date_time import parse

_INTEGER = re.compile(r"[+-]?[0-9]{1,20}").fullmatch
_NUMBER = re.compile(
    r"[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,4})?"
)
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_PAIR = "keyvalueofstringstring"


class Reading(NamedTuple):
    """How what a client sent is to be taken."""

    text: bool = False
    """Whether all values are texts (XML, forms): numbers and truths are told by the member."""
    zone: tzinfo | None = None
    """Of date-times without an offset; None: they are kept as they are."""


def documented(
    given: Mapping[str, Any], struct: type[Struct], reading: Reading, path: str = ""
) -> dict[str, Any]:
    """`given` under documented names, choices by name; unknown members are left out.

    So is a null where the API has no null: that is the default. Raises BadInput for a member
    given twice in different case and for an unknown choice; other values are left to check.
    """
    known = members(struct)
    seen: set[str] = set()
    found: dict[str, Any] = {}
    for key, value in given.items():
        member = known.get(key.lower())
        if member is None:
            continue
        where = path + member.name
        if member.name in seen:
            raise bad("The member is given twice, in different case", where)
        seen.add(member.name)
        taken = member_value(value, member, reading, where)
        if taken is not None or member.nullable:
            found[member.name] = taken
    return found


def member_value(value: object, member: Member, reading: Reading, where: str) -> object:
    """What a member is given, in documented form; see `documented`."""
    if member.is_date and isinstance(value, str):
        if reading.text and not value:
            return None
        return _date(value, reading.zone)
    return value_of(value, member.kind, reading, where)


def _date(text: str, zone: tzinfo | None) -> str:
    """In the API's own spelling, and in UTC where it is in `zone`; what is no date is kept."""
    try:
        spelt = parse(text)
    except ValueError:
        return text
    return spelt if zone is None else zones.to_utc(spelt, zone)


def value_of(value: object, kind: inspect.Type, reading: Reading, where: str) -> object:
    """A value of a known type, in documented form; see `documented`."""
    if reading.text and not isinstance(value, dict):
        value = _typed(value, kind, where)
    match kind, value:
        case inspect.StructType(cls=struct), dict():
            return documented(value, struct, reading, f"{where}.")
        case inspect.VarTupleType(item_type=item), list() | dict():
            items = _items(value) if reading.text else value
            if not isinstance(items, list):
                return items
            return [value_of(each, item, reading, where) for each in items]
        case inspect.DictType(), dict() if reading.text:
            return _pairs(value, where)
        case inspect.EnumType(cls=choices), _ if value is not None:
            return choice(value, choices, where)
        case _, float() if isinf(value):
            raise bad("Number out of range", where)
        case _:
            return value


def bad(message: str, where: str) -> BadInput:
    """What is told of a member whose value will not do."""
    return BadInput(message, field=where, code="ValidationException")


def _typed(value: object, kind: inspect.Type, where: str) -> object:
    """What a text says where a value of this type is expected; an empty one is no value."""
    match kind, value:
        case ((inspect.StructType() | inspect.DictType()), ""):
            return {}
        case inspect.VarTupleType(), _:
            return [] if value == "" else value
        case inspect.StrType(), _:
            return value
        case _, "":
            return None
        case inspect.IntType(), str():
            found = _INTEGER(value.strip())
            return int(found[0]) if found else _refuse("a whole number", where)
        case inspect.FloatType(), str():
            number = _NUMBER.fullmatch(value.strip())
            return float(number[0]) if number else _refuse("a number", where)
        case inspect.BoolType(), str():
            truth = _BOOLEANS.get(value.strip().lower())
            return _refuse("true or false", where) if truth is None else truth
        case _:
            return value


def _refuse(expected: str, where: str) -> NoReturn:
    raise bad(f"Expected {expected}", where)


def _items(value: object) -> object:
    """The items of a list: XML names each element by its type, a form numbers them."""
    if not isinstance(value, dict):
        return value
    if all(name.isdecimal() for name in value):
        return list(value.values())
    if len(value) > 1:
        return value
    (items,) = value.values()
    return items if isinstance(items, list) else [items]


def _pairs(value: dict[str, Any], where: str) -> dict[str, Any]:
    """A map: XML has elements with Key and Value in them, a form its keys as names."""
    if [name.lower() for name in value] != [_PAIR]:
        return value
    (given,) = value.values()
    found = {}
    for pair in given if isinstance(given, list) else [given]:
        members_given = pair if isinstance(pair, dict) else {}
        lowered = {name.lower(): each for name, each in members_given.items()}
        key = lowered.get("key")
        if not isinstance(key, str):
            raise bad("A pair of a map needs a Key", where)
        found[key] = lowered.get("value")
    return found
