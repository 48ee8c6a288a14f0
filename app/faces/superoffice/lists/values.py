"""Converts the values of a `$filter` to the types of columns."""

import re
from contextlib import suppress

from app.faces.superoffice.lists.columns import STATUS_SHOWN, Kind
from app.faces.superoffice.lists.odata import Form, Value, refused
from app.faces.superoffice.lists.periods import Written, written
from domain.chat.enums import ChatSessionStatus

MAX_PERIODS = 10_000
"""Periods that a filter may reach back or ahead."""

Scalar = int | str | bool | ChatSessionStatus | None
"""A value of a column that is no date."""

_NUMBER = re.compile(r"(-?[0-9]{1,20})(?:\.0+)?")
_TRUTHS = {"true": True, "1": True, "false": False, "0": False}
_STATUSES = {
    spelling.lower(): status
    for status, shown in STATUS_SHOWN.items()
    for spelling in (str(status.number), shown, status.value)
}


def scalar(kind: Kind, value: Value, nullable: bool) -> Scalar:
    """A value for a column that is no date. Raises BadInput.

    `nullable` is whether the word `null` is a value here.
    """
    if is_null(value):
        if nullable:
            return None
        raise refused("Expected a value, not null,", value.at)
    match kind:
        case Kind.NUMBER:
            return _number(value)
        case Kind.TRUTH if value.text.lower() in _TRUTHS:
            return _TRUTHS[value.text.lower()]
        case Kind.STATUS if value.text.lower() in _STATUSES:
            return _STATUSES[value.text.lower()]
        case Kind.TEXT if value.form in (Form.TEXT, Form.NUMBER):
            return value.text
        case Kind.STATUS:
            names = ", ".join(ChatSessionStatus)
            raise refused(f"{value.text!r} is none of {names}, and no number of one,", value.at)
        case _:
            raise refused(f"Expected {kind.value}, and text in quotes,", value.at)


def is_null(value: Value) -> bool:
    """Whether a value is the word `null`."""
    return value.form is Form.WORD and value.text.lower() == "null"


def stretch(value: Value) -> Written:
    """The day or the instant of a value. Raises BadInput."""
    if value.form in (Form.TEXT, Form.MOMENT):
        with suppress(ValueError):
            return written(value.text)
    expected = "Expected a date of the calendar, such as '2020-05-28'"
    raise refused(f"{expected}, not {value.text[:40]!r},", value.at)


def count(value: Value) -> int:
    """A number of periods. Raises BadInput."""
    number = _number(value)
    if not 1 <= number <= MAX_PERIODS:
        raise refused(f"Expected 1 to {MAX_PERIODS} periods", value.at)
    return number


def _number(value: Value) -> int:
    found = _NUMBER.fullmatch(value.text)
    if found is None or value.form not in (Form.NUMBER, Form.TEXT):
        raise refused(f"Expected a whole number, not {value.text[:40]!r},", value.at)
    number = int(found[1])
    if not -(2**63) <= number < 2**63:
        raise refused("A number out of range", value.at)
    return number
