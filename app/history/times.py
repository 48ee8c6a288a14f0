"""Times as histories show them."""

from datetime import UTC, datetime


def time_text(at: datetime) -> str:
    """A time in UTC with all six digits of its microseconds: `2026-11-21T10:00:00.000000Z`."""
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
