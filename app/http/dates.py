"""Dates in the form of HTTP's headers: `Sat, 21 Nov 2026 10:00:00 GMT`, to the second."""

from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from math import ceil

_LONGEST = 100


def write(at: datetime) -> bytes:
    """An instant, rounded up to the whole second."""
    return _written(ceil(at.timestamp()))


@lru_cache(1_024)
def _written(second: int) -> bytes:
    return format_datetime(datetime.fromtimestamp(second, UTC), usegmt=True).encode()


@lru_cache(256)
def read(header: bytes | None) -> datetime | None:
    """The instant in a header; None for an invalid one, which counts as absent (RFC 9110)."""
    if header is None or len(header) > _LONGEST:
        return None
    try:
        found = parsedate_to_datetime(header.decode("latin-1"))
        return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
