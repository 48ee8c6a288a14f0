"""The end of a token as people write it: `90d`, `8s`, a time, `never`."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from domain.errors import InvalidField

NEVER = "never"
_SPAN = re.compile(r"([0-9]{1,9})\s*([smhdw])", re.IGNORECASE)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_TIME = Annotated[datetime, Meta(tz=True)]
RULE = "The end of a token is a span such as 90d, 12h or 8s, a time in RFC 3339, or never"


def end_of(text: str, now: datetime) -> datetime | None:
    """When a token ends; None: never. Raises InvalidField for what is neither, or is over."""
    given = text.strip()
    if given.lower() == NEVER:
        return None
    end = _after(given, now) or _at(given)
    if end is None:
        raise InvalidField("Expires", RULE)
    if end <= now:
        raise InvalidField("Expires", "The end of a token lies in the future")
    return end


def _after(text: str, now: datetime) -> datetime | None:
    span = _SPAN.fullmatch(text)
    if span is None:
        return None
    try:
        return now + timedelta(**{_UNITS[span[2].lower()]: int(span[1])})
    except OverflowError:
        raise InvalidField("Expires", "This is too far away: say never") from None


def _at(text: str) -> datetime | None:
    try:
        return msgspec.convert(text, _TIME).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        return None
