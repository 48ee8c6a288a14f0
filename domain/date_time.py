"""The API's date-times as text: finer than `datetime` and PostgreSQL hold, so kept as they came."""

import re
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import NewType

DateTime = NewType("DateTime", str)
"""Text that `parse` has accepted; two of them are equal when every character is."""

EMPTY = DateTime("0001-01-01T00:00:00")
"""How the API says that a date-time is not set."""

TICKS_PER_SECOND = 10_000_000

_TEXT = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:T(?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9]):(?P<second>[0-5][0-9])"
    r"(?:\.(?P<fraction>[0-9]{1,7}))?"
    r"(?P<offset>Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))?)?"
)


def parse(text: str) -> DateTime:
    """The same text, if it is a date-time: a day of the calendar, or a day and a time.

    The time has up to 7 digits of a second and may end in `Z` or an offset of at most
    14 hours. Raises ValueError for anything else, leap seconds included.
    """
    _day(_parts(text)["day"])
    return DateTime(text)


# Most dates of a session that is written are those it had before.
@lru_cache(maxsize=4_096)
def ticks(text: DateTime) -> int:
    """The instant in units of 100 ns since 0001-01-01 UTC; without an offset, it counts as UTC.

    Below 0 where an offset reaches back before year 1. Raises ValueError as `parse` does.
    """
    day, hour, minute, second, fraction, offset = _parts(text).groups()
    seconds = (_day(day).toordinal() - 1) * 86_400
    if hour is not None:
        seconds += int(hour) * 3_600 + int(minute) * 60 + int(second)
    return (seconds - _offset_s(offset)) * TICKS_PER_SECOND + int((fraction or "").ljust(7, "0"))


def is_set(text: DateTime) -> bool:
    """Whether it says more than EMPTY, in whatever form: clients write that in UTC, too."""
    return text != EMPTY and ticks(text) != 0


def utc(moment: datetime) -> DateTime:
    """A moment of the clock as the API writes it: UTC, and without an offset."""
    return DateTime(moment.astimezone(UTC).replace(tzinfo=None).isoformat())


def _parts(text: str) -> re.Match[str]:
    found = _TEXT.fullmatch(text)
    if found is None:
        raise ValueError("Expected a date-time such as 2018-11-21T16:32:47.1492785+01:00")
    return found


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text} is not a day of the calendar") from error


def _offset_s(offset: str | None) -> int:
    if offset is None or offset == "Z":
        return 0
    size = int(offset[1:3]) * 3_600 + int(offset[4:6]) * 60
    return -size if offset[0] == "-" else size
