"""Coerces loosely written carriers of clients into documented form.

One rule holds for all sources (JSON, a patch, XML, a form): the member determines how the text of
a single value is read. JSON's numbers, `true` and `false` are read by their text as well, but
`true` and `false` do not become texts.

- A whole number may have a sign and a fraction of zeros: `3`, `"3"`, `3.0`.
- `true` and `1` are true, `false` and `0` are false, in any case.
- A choice is a name, in any case, or a number.
- A date-time is any that `date_time.parse` accepts; where all values are texts, white space around
  it is layout.
- A text is kept as written; a number for a text keeps all its digits.

Where all values are texts, an empty one gives a member its default. In JSON, null does so, and an
empty text is an error for any member but a text.
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
"""Limit of a number for a text: Python does not spell numbers of any length."""
_LAYOUT = " \t\r\n"
"""White space of XML (its schemas collapse that of a dateTime)."""
_PAIR = "keyvalueofstringstring"


class Spelled(float):
    """A number of JSON with a fraction or an exponent, and its spelling."""

    __slots__ = ("text",)

    def __new__(cls, text: str) -> Self:
        """The number that `text` spells; a number that is too large becomes infinite."""
        number = super().__new__(cls, text)
        number.text = text
        return number

    text: str


class Reading(NamedTuple):
    """The mode of reading a client's values."""

    text: bool = False
    """Whether all values are texts (XML, forms): the members determine numbers and booleans."""
    zone: tzinfo | None = None
    """The zone of date-times without an offset; None: they are kept unchanged."""


def documented(
    given: Mapping[str, Any], struct: type[Struct], reading: Reading, path: str = ""
) -> dict[str, Any]:
    """`given` under documented names, choices by name; unknown members are left out.

    A null is left out, too, if the API has no null there: the member gets its default. Raises
    BadInput for an unknown choice and for a member given twice in different case. It also refuses
    a carrier with unknown members only: its sender would believe that they were applied. Other
    values are not yet checked.
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
    """A member's value in documented form; see `documented`."""
    if member.is_date and isinstance(value, str):
        if reading.text:
            value = value.strip(_LAYOUT)
            if not value:
                return None
        return _date(value, reading.zone)
    return value_of(value, member.kind, reading, where)


def _date(text: str, zone: tzinfo | None) -> str:
    """A date in the API's spelling, converted from `zone` to UTC; other texts are kept."""
    try:
        spelt = parse(text)
    except ValueError:
        return text
    return spelt if zone is None else zones.to_utc(spelt, zone)


def value_of(value: object, kind: inspect.Type, reading: Reading, where: str) -> object:
    """A value of a known type in documented form; see `documented`."""
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
    """The refusal of a member's invalid value."""
    return BadInput(message, field=where, code="ValidationException")


def whole(text: str) -> int | None:
    """The whole number that a text spells; None for other texts."""
    found = _INTEGER(text.strip())
    return int(found[1]) if found else None


def truth(text: str) -> bool | None:
    """The truth value that a text spells; None for other texts."""
    return _TRUTHS.get(text.strip().lower())


def _typed_number(value: float, kind: inspect.Type, where: str) -> object:
    """The meaning of a number or a truth value of JSON for the expected type."""
    match kind:
        case inspect.IntType() if isinstance(value, Spelled):
            if isinf(value):
                raise bad("Number out of range", where)
            # 1e2 is just another spelling of 100.
            return int(value) if value.is_integer() else _refuse("a whole number", where)
        case inspect.StrType() if isinstance(value, bool):
            return value  # the later check refuses it: a truth value is no text
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
    # (`isinf` accepts no whole number beyond the range of a float.)
    if abs(value) >= _TOO_LONG or (isinstance(value, float) and isinf(value)):
        raise bad("Number out of range", where)
    return str(value)


def _typed(text: str, kind: inspect.Type, where: str) -> object:
    """The meaning of a text for the expected type; an empty one is no value."""
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
    """The items of a list: XML names each element by its type, a form numbers the items."""
    if not isinstance(value, dict):
        return value
    if all(name.isdecimal() for name in value):
        return list(value.values())
    if len(value) > 1:
        return value
    (items,) = value.values()
    return items if isinstance(items, list) else [items]


def _pairs(value: dict[str, Any], where: str) -> dict[str, Any]:
    """A map: XML has elements with Key and Value inside, a form has the keys as names."""
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
