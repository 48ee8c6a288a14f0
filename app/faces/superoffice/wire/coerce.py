"""Carriers as loosely as clients write them, put into documented form.

One rule, whatever a request is made of (JSON, a patch, XML, a form): a single value is what its
text says to the member that it is for. A number of JSON counts as its text, and so do `true` and
`false`, but not where a text is meant.

- A whole number may have a sign and a fraction of zeros: `3`, `"3"`, `3.0`.
- `true` and `1` are true, `false` and `0` are not, in any case.
- A choice goes by its name, in any case, or by its number.
- A date-time is whatever `date_time.parse` takes; where all values are texts, white space around
  it is layout.
- A text is kept as it was written: of a number, all its digits.

Where all values are texts, an empty one says nothing, and a member gets its default; in JSON that
is what null is for, and an empty text is an error in whatever is no text.
"""

import re
from collections.abc import Mapping
from datetime import tzinfo
from math import isinf
from typing import Any, NamedTuple, NoReturn, Self

from msgspec import Struct, inspect

from app.codecs.json_text import BadInput, unknown_members
from app.faces.superoffice.wire import zones
from app.faces.superoffice.wire.enum_codec import choice
from app.faces.superoffice.wire.members import Member, members, without_null
from app.faces.superoffice.wire.owned import SHOWN
from domain.date_time import parse

_INTEGER = re.compile(r"([+-]?[0-9]{1,20})(?:\.0{0,400})?").fullmatch
_NUMBER = re.compile(
    r"[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,4})?"
)
_TRUTHS = {"true": True, "1": True, "false": False, "0": False}
_TOO_LONG = 10**400
"""For a text: Python itself spells no number of any length."""
_LAYOUT = " \t\r\n"
"""White space of XML (its schemas collapse that of a dateTime)."""
_PAIR = "keyvalueofstringstring"


class Spelled(float):
    """A number of JSON that is written as no whole one, and how it is written."""

    __slots__ = ("text",)

    def __new__(cls, text: str) -> Self:
        """The number that `text` spells; one too large is infinite."""
        number = super().__new__(cls, text)
        number.text = text
        return number

    text: str


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
    given twice in different case, for a carrier of unknown members alone (its writer would take it
    for done), and for an unknown choice; other values are left to check.
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
    if path and not seen and not SHOWN.keys() >= set(map(str.lower, given)):
        names = [member.name for member in known.values()]
        raise unknown_members(struct.__name__, given, names, path)
    return found


def member_value(value: object, member: Member, reading: Reading, where: str) -> object:
    """What a member is given, in documented form; see `documented`."""
    if member.is_date and isinstance(value, str):
        if reading.text:
            value = value.strip(_LAYOUT)
            if not value:
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
    kind, _ = without_null(kind)
    match value:
        case str() if reading.text or value:
            value = _typed(value, kind, where)
        case bool() | int() | float():
            value = _typed_number(value, kind, where)
    match kind, value:
        case inspect.StructType(cls=struct), dict():
            return documented(value, struct, reading, f"{where}.")
        case inspect.VarTupleType(item_type=item), list() | dict():
            items = _items(value) if reading.text else value
            if not isinstance(items, list):
                return items
            return [value_of(each, item, reading, where) for each in items]
        case inspect.DictType(value_type=item), dict():
            pairs = _pairs(value, where) if reading.text else value
            return {key: value_of(each, item, reading, where) for key, each in pairs.items()}
        case inspect.EnumType(cls=choices), _ if value is not None:
            return choice(value, choices, where)
        case _, float() if isinf(value):
            raise bad("Number out of range", where)
        case _, Spelled():
            return float(value)
        case _:
            return value


def bad(message: str, where: str) -> BadInput:
    """What is told of a member whose value will not do."""
    return BadInput(message, field=where, code="ValidationException")


def whole(text: str) -> int | None:
    """The whole number that a text spells; None if it spells none."""
    found = _INTEGER(text.strip())
    return int(found[1]) if found else None


def truth(text: str) -> bool | None:
    """The truth value that a text spells; None if it spells none."""
    return _TRUTHS.get(text.strip().lower())


def _typed_number(value: float, kind: inspect.Type, where: str) -> object:
    """What a number or a truth value of JSON says where a value of this type is expected."""
    match kind:
        case inspect.IntType() if isinstance(value, Spelled):
            if isinf(value):
                raise bad("Number out of range", where)
            # 1e2 is no more than a way to write 100.
            return int(value) if value.is_integer() else _refuse("a whole number", where)
        case inspect.StrType() if isinstance(value, bool):
            return value  # no text, and told so
        case inspect.StrType() | inspect.BoolType():
            return _typed(_spelt(value, where), kind, where)
        case inspect.EnumType() if isinstance(value, Spelled):
            return _typed(value.text, kind, where)
        case _:
            return value


def _spelt(value: float, where: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Spelled) and not isinf(value):
        return value.text
    # (`isinf` takes no whole number that is longer than a float.)
    if abs(value) >= _TOO_LONG or (isinstance(value, float) and isinf(value)):
        raise bad("Number out of range", where)
    return str(value)


def _typed(text: str, kind: inspect.Type, where: str) -> object:
    """What a text says where a value of this type is expected; an empty one is no value."""
    match kind, text:
        case ((inspect.StructType() | inspect.DictType()), ""):
            return {}
        case inspect.VarTupleType(), _:
            return [] if text == "" else text
        case inspect.StrType(), _:
            return text
        case _, "":
            return None
        case inspect.IntType(), _:
            number = whole(text)
            return _refuse("a whole number", where) if number is None else number
        case inspect.FloatType(), _:
            found = _NUMBER.fullmatch(text.strip())
            return float(found[0]) if found else _refuse("a number", where)
        case inspect.BoolType(), _:
            said = truth(text)
            return _refuse("true or false", where) if said is None else said
        case inspect.EnumType(), _:
            number = whole(text)
            return text if number is None else number
        case _:
            return text


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
