"""Moments of the log: as people and programs write them, and the cut through it that each names.

A moment is a time, a position (`0:17`) or, of one stream, a version. A cut has the last position of
each partition that belongs to the moment; a time and the position of its last event name the same.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TypeAlias

from msgspec import Struct

from app.codecs.json_text import BadInput
from app.database.sql import blocks
from app.log.read import Asks
from domain.ids import StreamId, partition_of

SQL = blocks(__file__)

Cut: TypeAlias = tuple[int, ...]
"""The last position of each partition; 0: none of its events."""

_DIGITS = 18
"""Of a position or a version: what PostgreSQL's bigint holds, whatever they are."""
_VERSION = re.compile(rf"[0-9]{{1,{_DIGITS}}}")
_CUT = re.compile(rf"[0-9]{{1,4}}:[0-9]{{1,{_DIGITS}}}(?:,[0-9]{{1,4}}:[0-9]{{1,{_DIGITS}}})*")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ](?P<clock>[0-9]{2}:[0-9]{2}(?::[0-9]{2})?)"
    r"(?P<fraction>[.,][0-9]{1,9})?(?:(?P<zulu>\s?[Zz]|\s?UTC)"
    # (A plus sign in a query that was not escaped arrives as a space.)
    r"|(?P<sign>\s?[+ \-\u2212])(?P<hours>[0-9]{2}):?(?P<minutes>[0-9]{2})?)?"
)
_AGO = re.compile(r"(?P<count>[0-9]{1,6})\s*(?P<unit>[a-z]+)\s+ago")
_UNITS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), timedelta(seconds=1)),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), timedelta(minutes=1)),
    **dict.fromkeys(("h", "hour", "hours"), timedelta(hours=1)),
    **dict.fromkeys(("d", "day", "days"), timedelta(days=1)),
    **dict.fromkeys(("w", "week", "weeks"), timedelta(weeks=1)),
}
_MICROSECOND = timedelta(microseconds=1)
_SKEW = timedelta(seconds=1)
"""How far the clock of the database may be ahead of ours."""


class Span(Struct, frozen=True):
    """A time as it was understood: an instant, or a whole day."""

    start: datetime
    """UTC."""
    end: datetime
    """UTC: the last instant of it, to the microsecond."""


class Positions(Struct, frozen=True):
    """A position, or those of a whole cut."""

    by_partition: Mapping[int, int]


class Version(Struct, frozen=True):
    """A version of the stream that is asked about."""

    number: int


Moment = Span | Positions | Version


def parse(text: str, field: str, *, zone: tzinfo = UTC, now: datetime) -> Moment:
    """The moment that a text names; `field` is its parameter, and `zone` that of times without one.

    Raises BadInput.
    """
    told = text.strip()
    if _VERSION.fullmatch(told):
        return Version(int(told))
    if _CUT.fullmatch(told):
        pairs = [part.split(":") for part in told.split(",")]
        found = {int(partition): int(position) for partition, position in pairs}
        if len(found) < len(pairs):
            raise BadInput(f"{field} names a partition twice", field=field)
        return Positions(found)
    return parse_time(told, field, zone=zone, now=now)


def parse_time(text: str, field: str, *, zone: tzinfo = UTC, now: datetime) -> Span:
    """The time that a text names. Raises BadInput."""
    told = text.strip()
    try:
        return _span(told, zone, now)
    except (ValueError, OverflowError):
        raise BadInput(
            f"{field} takes a time such as 2026-11-28T21:20:00Z, 2026-11-28 21:20, 2026-11-28 or "
            f"2h ago, or a position such as 0:17, not {text[:60]!r}",
            field=field,
        ) from None


def _span(text: str, zone: tzinfo, now: datetime) -> Span:
    word = text.lower()
    if word == "now":
        return Span(now, now)
    if word in ("today", "yesterday"):
        day = now.astimezone(zone).date()
        return _day(day if word == "today" else day - timedelta(days=1), zone)
    if ago := _AGO.fullmatch(word):
        if ago["unit"] not in _UNITS:
            raise ValueError(ago["unit"])
        at = now - int(ago["count"]) * _UNITS[ago["unit"]]
        return Span(at, at)
    if _DAY.fullmatch(text):
        return _day(date.fromisoformat(text), zone)
    return _instant(text, zone)


def _day(day: date, zone: tzinfo) -> Span:
    start = datetime.combine(day, time(), zone).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
    return Span(start, end - _MICROSECOND)


def _instant(text: str, zone: tzinfo) -> Span:
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(text)
    at = datetime.fromisoformat(f"{match['day']}T{match['clock']}")
    if match["fraction"]:
        at = at.replace(microsecond=int(match["fraction"][1:7].ljust(6, "0")))
    if match["zulu"]:
        at = at.replace(tzinfo=UTC)
    elif match["sign"]:
        minutes = int(match["hours"]) * 60 + int(match["minutes"] or 0)
        sign = -1 if match["sign"].strip() in ("-", "\u2212") else 1
        if minutes > 18 * 60 or int(match["minutes"] or 0) > 59:
            raise ValueError(text)
        at = at.replace(tzinfo=UTC) - sign * timedelta(minutes=minutes)
    else:
        at = at.replace(tzinfo=zone).astimezone(UTC)
    return Span(at, at)


def written(cut: Sequence[int]) -> str:
    """A cut as text: `0:17,1:5`."""
    return ",".join(f"{partition}:{position}" for partition, position in enumerate(cut))


async def cut_of(
    store: Asks, moment: Moment, field: str, *, stream: StreamId | None = None, now: datetime
) -> Cut:
    """The cut up to a moment, its own instant included; of a whole day, up to its end or to now.

    Raises BadInput for a moment that is in the future or unknown, StoreDown.
    """
    heads = [(row["position"], row["recorded_at"]) for row in await store.ask(SQL["heads"])]
    match moment:
        case Version(number=number):
            return await _cut_of_version(store, number, field, stream, len(heads))
        case Positions(by_partition=positions):
            return await _cut_of_positions(store, positions, field, heads)
        case Span(start=start, end=end):
            # (The time of an empty partition is no time.)
            if start > max([now + _SKEW, *(at for position, at in heads if position)]):
                raise BadInput(f"{field} is in the future", field=field)
            if any(not position or end >= at for position, at in heads):
                await store.ask(SQL["settle"])
            return await cut_at(store, end)


async def cut_at(store: Asks, at: datetime) -> Cut:
    """The cut up to a time, events of that very microsecond included. Raises StoreDown."""
    return tuple(row["position"] for row in await store.ask(SQL["cut_at"], at))


async def cut_before(store: Asks, at: datetime) -> Cut:
    """The cut of the events before a time. Raises StoreDown."""
    return await cut_at(store, at - _MICROSECOND)


async def present_cut(store: Asks) -> Cut:
    """The cut of all events. Raises StoreDown."""
    return tuple(row["position"] for row in await store.ask(SQL["heads"]))


async def time_of(store: Asks, cut: Sequence[int]) -> datetime | None:
    """The time of a cut's last event; None if it has none. Raises StoreDown."""
    return await _last_time(store, dict(enumerate(cut)))


async def _cut_of_version(
    store: Asks, number: int, field: str, stream: StreamId | None, partitions: int
) -> Cut:
    if stream is None:
        raise BadInput(
            f"{field} takes a time or a position here: only a single session has versions",
            field=field,
        )
    home = partition_of(stream, partitions)
    rows = await store.ask(SQL["at_version"], home, stream, number)
    if not rows:
        raise BadInput(f"{field}: there is no version {number}", field=field)
    return await _completed(store, {home: rows[0]["position"]}, rows[0]["recorded_at"])


async def _cut_of_positions(
    store: Asks, positions: Mapping[int, int], field: str, heads: Sequence[tuple[int, datetime]]
) -> Cut:
    for partition, position in positions.items():
        if partition >= len(heads):
            last = len(heads) - 1
            raise BadInput(f"{field}: {last} is the last partition, not {partition}", field=field)
        if position > heads[partition][0]:
            raise BadInput(
                f"{field}: position {partition}:{position} is in the future: the log ends at "
                f"{partition}:{heads[partition][0]}",
                field=field,
            )
    if len(positions) == len(heads):
        return tuple(positions[partition] for partition in range(len(heads)))
    at = await _last_time(store, positions)
    return await _completed(store, positions, at or datetime.min.replace(tzinfo=UTC))


async def _last_time(store: Asks, positions: Mapping[int, int]) -> datetime | None:
    rows = await store.ask(SQL["times"], list(positions), list(positions.values()))
    return max((row["recorded_at"] for row in rows), default=None)


async def _completed(store: Asks, known: Mapping[int, int], at: datetime) -> Cut:
    cut = await cut_at(store, at)
    return tuple(known.get(partition, position) for partition, position in enumerate(cut))
