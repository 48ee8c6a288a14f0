"""The ends of a search through the log: `since`, `until`, `before` and `after` as cuts."""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from app.history.moments import (
    SQL,
    Cut,
    Positions,
    Span,
    Version,
    cut_before,
    cut_of,
    parse,
)
from app.history.search import upto_event
from app.history.sessions import Clock
from app.log.read import Asks


class Bounds(Struct, frozen=True):
    """The positions between which events are wanted: above `low`, up to `high`; None: no end."""

    low: Cut | None = None
    high: Cut | None = None


async def bounds_of(
    store: Asks,
    clock: Clock,
    *,
    since: str | None = None,
    until: str | None = None,
    before: str | None = None,
    after: str | None = None,
) -> Bounds:
    """The bounds that moments give: since <= time < until; `before` and `after` leave out theirs.

    A whole day as `until` is still part of it. Raises BadInput, StoreDown.
    """
    lows = [
        None if since is None else (await _around(store, since, "since", clock))[0],
        None if after is None else (await _around(store, after, "after", clock))[1],
    ]
    highs = [
        None if until is None else await _end(store, until, clock),
        None if before is None else (await _around(store, before, "before", clock))[0],
    ]
    return Bounds(_each(max, lows), _each(min, highs))


async def _end(store: Asks, text: str, clock: Clock) -> Cut:
    before, upto = await _around(store, text, "until", clock)
    moment = parse(text, "until", zone=clock.zone, now=clock.now)
    is_day = isinstance(moment, Span) and moment.start < moment.end
    return upto if is_day else before


async def _around(store: Asks, text: str, field: str, clock: Clock) -> tuple[Cut, Cut]:
    """The cuts before a moment, and up to it. Raises BadInput, StoreDown."""
    moment = parse(text, field, zone=clock.zone, now=clock.now)
    upto = await cut_of(store, moment, field, now=clock.now)
    match moment:
        case Span(start=start):
            return await cut_before(store, start), upto
        case Positions(by_partition=places) if len(places) == 1:
            ((partition, position),) = places.items()
            return await _around_event(store, partition, position, upto)
        case Positions(by_partition=places):
            return tuple(max(0, position - 1) for position in upto), upto
        case Version():
            raise AssertionError("a version without a stream was refused")


async def _around_event(store: Asks, partition: int, position: int, cut: Cut) -> tuple[Cut, Cut]:
    """The cuts before an event and up to it, whose cut is known as well."""
    rows = await store.ask(SQL["times"], [partition], [position])
    if not rows:  # position 0 is before all events
        nothing = tuple(0 for _ in cut)
        return nothing, nothing
    upto = await upto_event(store, partition, position, rows[0]["recorded_at"])
    return (*upto[:partition], position - 1, *upto[partition + 1 :]), upto


def _each(choose: Callable[[Iterable[int]], int], cuts: Sequence[Cut | None]) -> Cut | None:
    given = [cut for cut in cuts if cut is not None]
    return tuple(choose(ends) for ends in zip(*given, strict=True)) if given else None
