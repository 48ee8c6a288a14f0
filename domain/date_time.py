"""The API's date-times as text: finer than `datetime` and PostgreSQL can hold, so kept as given."""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NewType

DateTime = NewType("DateTime", str)
"""Text as `parse` returns it; two date-times are equal when all their characters are."""

EMPTY = DateTime("0001-01-01T00:00:00")
"""The API's way to say that a date-time is not set."""

FOREVER = DateTime("9999-12-31T23:59:59.9999999")
"""The API's way to say that something does not end."""

TICKS_PER_SECOND = 10_000_000
AT_AN_END = 16 * 3_600 * TICKS_PER_SECOND
"""The distance from EMPTY that still says "not set", and beyond FOREVER "for ever", in ticks.

Clients write both ends of the calendar by their own clocks. No clock was ever further from UTC:
before time zones, Manila was 15:56:08 behind UTC, and the west of Alaska 15:13:42 ahead.
"""
_TIME = (
    r"(?:[Tt ](?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9]):(?P<second>[0-5][0-9]|60)"
    r"(?:\.(?P<fraction>[0-9]{1,40}))?"
    r"(?P<offset>[Zz]|[+-](?:(?:0[0-9]|1[0-3]):?[0-5][0-9]|14:?00))?)?"
)
_TEXT = re.compile(rf"(?P<day>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}){_TIME}")
# The day before year 1, in calendars with and without a year 0 (XML Schema 1.0), and the
# JavaScript spelling of years that four digits cannot hold.
_OUTSIDE = re.compile(
    r"(?:(?P<before>(?:0000|[+-]000000|-(?:00)?0001)-12-31)|(?P<first>\+000001-01-01)"
    rf"|(?P<after>\+010000-01-01)){_TIME}"
)
_TICKS_PER_DAY = 86_400 * TICKS_PER_SECOND
_LAST_DAY = date.max.toordinal()


# Most dates in a written session are the dates that it had before.
@lru_cache(maxsize=4_096)
def parse(text: str) -> DateTime:
    """A date-time in the API's own spelling: a day of the calendar, or a day and a time.

    Accepts everything that RFC 3339 and the vendor's pages allow: `t`, `z`, a blank for the `T`,
    and an offset of at most 14 hours with or without a colon. A leap second becomes the second
    after it. Only the first seven digits of a fraction count. A date-time at an end of the calendar
    (see AT_AN_END) becomes EMPTY or FOREVER. Raises ValueError for anything else.
    """
    found = _TEXT.fullmatch(text)
    if found is None or found["day"] == "0000-12-31":
        return _at_an_end(text)
    ordinal = _day(found["day"]).toordinal()
    if ordinal <= 2 and _says_nothing(_ticks(ordinal, found)):
        return EMPTY
    if found["second"] == "60":
        return _after_leap_second(found, ordinal)
    return _spelt(found)


@lru_cache(maxsize=4_096)
def ticks(text: DateTime) -> int:
    """The instant in units of 100 ns since 0001-01-01 UTC; text without an offset counts as UTC.

    Negative where an offset reaches back before year 1. Raises ValueError as `parse` does.
    """
    found = _TEXT.fullmatch(text)
    if found is None:
        raise ValueError(_EXPECTED)
    return _ticks(_day(found["day"]).toordinal(), found)


def is_set(text: DateTime) -> bool:
    """Whether it differs from every form of EMPTY: stored text may predate the present spelling."""
    return text != EMPTY and not _says_nothing(ticks(text))


def utc(moment: datetime) -> DateTime:
    """A clock reading as the API writes it: in UTC, without an offset."""
    return DateTime(moment.astimezone(UTC).replace(tzinfo=None).isoformat())


_EXPECTED = "Expected a date-time such as 2018-11-21T16:32:47.1492785+01:00"


def _says_nothing(at: int) -> bool:
    return abs(at) <= AT_AN_END


def _at_an_end(text: str) -> DateTime:
    """EMPTY or FOREVER, for text whose year lies outside the four-digit calendar."""
    found = _OUTSIDE.fullmatch(text)
    if found is None:
        raise ValueError(_EXPECTED)
    if found["after"]:
        if _ticks(_LAST_DAY + 1, found) <= _LAST_DAY * _TICKS_PER_DAY + AT_AN_END:
            return FOREVER
    elif _says_nothing(_ticks(1 if found["first"] else 0, found)):
        return EMPTY
    raise ValueError(f"{text[:40]} is not a day of the calendar")


def _after_leap_second(found: re.Match[str], ordinal: int) -> DateTime:
    whole = _ticks(ordinal, found) // TICKS_PER_SECOND
    if whole % 86_400:
        raise ValueError("A leap second is the last one of a day in UTC")
    hour, minute = int(found["hour"]), int(found["minute"])
    at = datetime.combine(date.fromordinal(ordinal), datetime.min.time())
    try:
        at += timedelta(hours=hour, minutes=minute, seconds=60)
    except OverflowError:
        return FOREVER
    return DateTime(at.isoformat() + _rest(found))


def _spelt(found: re.Match[str]) -> DateTime:
    if found["hour"] is None:
        return DateTime(found["day"])
    time = f"{found['hour']}:{found['minute']}:{found['second']}"
    return DateTime(f"{found['day']}T{time}{_rest(found)}")


def _rest(found: re.Match[str]) -> str:
    """The fraction and the offset, as text."""
    fraction, offset = found["fraction"], found["offset"] or ""
    if len(offset) == len("+0100"):
        offset = f"{offset[:3]}:{offset[3:]}"
    return (f".{fraction[:7]}" if fraction else "") + offset.upper()


def _ticks(ordinal: int, found: re.Match[str]) -> int:
    hour, minute, second, fraction, offset = found.group(
        "hour", "minute", "second", "fraction", "offset"
    )
    seconds = (ordinal - 1) * 86_400
    if hour is not None:
        seconds += int(hour) * 3_600 + int(minute) * 60 + int(second)
    return (seconds - _offset_s(offset)) * TICKS_PER_SECOND + int(
        (fraction or "")[:7].ljust(7, "0")
    )


def _day(day: str) -> date:
    try:
        return date.fromisoformat(day)
    except ValueError as error:
        raise ValueError(f"{day} is not a day of the calendar") from error


def _offset_s(offset: str | None) -> int:
    if offset is None or offset in "Zz":
        return 0
    size = int(offset[1:3]) * 3_600 + int(offset[-2:]) * 60
    return -size if offset[0] == "-" else size
