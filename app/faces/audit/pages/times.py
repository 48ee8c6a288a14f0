"""Times on pages: in one zone, as it is chosen for showing and for typing."""

from datetime import datetime, timedelta, tzinfo

from app.codecs.json_text import BadInput
from app.history.moments import Positions, Span, Version, parse, written
from app.history.sessions import Clock

_GAP = timedelta(minutes=1)
"""Shorter gaps between two events are not told."""
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60))


def shown(at: datetime, zone: tzinfo) -> str:
    """A time to the second: `2026-11-28 21:29:41 UTC`."""
    local = at.astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M:%S} {local.tzname()}"


def read(text: str) -> datetime:
    """The time that an event carries as text."""
    return datetime.fromisoformat(text)


def gap(before: datetime, after: datetime) -> str:
    """How long nothing happened: `20 min later`; empty for less than a minute."""
    seconds = int((after - before).total_seconds())
    if seconds < _GAP.total_seconds():
        return ""
    for name, size in _UNITS:
        count = seconds // size
        if count:
            return f"{count} {name}{'s' if count > 1 else ''} later"
    return ""


def understood(text: str | None, field: str, clock: Clock) -> str:
    """How a moment was understood that somebody typed; empty without one."""
    if text is None:
        return ""
    try:
        moment = parse(text, field, zone=clock.zone, now=clock.now)
    except BadInput:  # refused elsewhere
        return ""
    match moment:
        case Version(number=number):
            return f"version {number}"
        case Positions(by_partition=places):
            cut = [places.get(number, 0) for number in range(max(places) + 1)]
            return f"position {written(cut)}" if len(places) == len(cut) else f"position {text}"
        case Span(start=start, end=end):
            if start == end:
                return shown(start, clock.zone)
            return f"{shown(start, clock.zone)} to {shown(end, clock.zone)}"
