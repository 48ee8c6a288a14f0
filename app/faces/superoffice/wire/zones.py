"""Converts date-times to other time zones by IANA's rules, with all seven digits of a second.

A date-time without an offset counts as UTC, the base zone of stored values. Days without a time are
in no zone and stay unchanged. So do the two ends of the calendar, by which the API means "not set"
and "for ever".
"""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from domain.date_time import DateTime, is_set, ticks

_TEXT = re.compile(
    r"(?P<moment>(?!0001|9999)[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?P<fraction>\.[0-9]{1,7})?"
    r"(?P<offset>Z|[+-][0-9]{2}:[0-9]{2})?"
)


def to_utc(text: str, zone: tzinfo) -> str:
    """Convert a date-time without an offset from `zone` to UTC, also without an offset.

    When a clock is put back, the first of the two instants counts. A date-time with an offset and
    any other text are returned unchanged.
    """
    found = _TEXT.fullmatch(text)
    if found is None or found["offset"]:
        return text
    try:
        moment = datetime.fromisoformat(found["moment"]).replace(tzinfo=zone).astimezone(UTC)
    except ValueError:
        return text
    return _bare(moment) + (found["fraction"] or "")


def to_zone(text: str, zone: tzinfo | None, *, tagged: bool) -> str:
    """A stored date-time in the local time of `zone`; `tagged` adds its offset.

    Without a zone, it stays as stored; if `tagged`, it gets a `Z` unless it has an offset.
    """
    found = _TEXT.fullmatch(text)
    if found is None:
        return text
    if zone is None:
        return f"{text}Z" if tagged and not found["offset"] else text
    offset = _offset(found["offset"])
    moment = datetime.fromisoformat(found["moment"]).replace(tzinfo=offset).astimezone(zone)
    if tagged and (moment.utcoffset() or timedelta()) % timedelta(minutes=1):
        # Before time zones, local mean time had offsets with seconds, which an offset cannot have.
        moment = moment.astimezone(UTC)
    shown = _bare(moment) + (found["fraction"] or "")
    return shown + _suffix(moment) if tagged else shown


def same_instant(one: str, other: str) -> bool:
    """Whether two texts are date-times of one instant, or both denote an unset one.

    A text that is no date-time has no instant.
    """
    with suppress(ValueError):
        given, held = DateTime(one), DateTime(other)
        return ticks(given) == ticks(held) or not (is_set(given) or is_set(held))
    return False


def _bare(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat()


def _suffix(moment: datetime) -> str:
    return "Z" if str(moment.tzinfo) == "UTC" else moment.isoformat()[-6:]


def _offset(text: str | None) -> tzinfo:
    if text is None or text == "Z":
        return UTC
    size = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return timezone(-size if text[0] == "-" else size)
