"""Events that the index does not have yet, as when nothing follows the log because no service runs.

They are the last ones, and few: they are read and compared one by one.
"""

from collections.abc import AsyncIterator, Collection
from typing import Any

from msgspec import Struct

from app.history.feed import following
from app.history.followed import NotYet, reached
from app.history.moments import SQL, Cut, cut_before, present_cut
from app.history.one_event import stepped
from app.history.reader import Reader
from app.history.search import EventQuery, terms_of
from app.history.terms import Terms
from app.log.audited import AuditedEvent
from domain.ids import StreamId
from projections.fold import Folded, Recorded

MAX_EVENTS = 5_000
"""Of the log that are read for it: some seconds."""


class Unfollowed(Struct, frozen=True):
    """The end of the log that the index does not have."""

    after: Cut
    """All other events are earlier, and up to this cut."""
    events: list[AuditedEvent]
    """Those that fit, oldest first."""


async def unfollowed(reader: Reader, terms: Terms, query: EventQuery) -> Unfollowed:
    """The events after those of the index that fit. Raises NotYet if it is too far behind."""
    ends, done = await present_cut(reader.store), await reached(reader.store)
    after = await _before_first(reader, done, ends)
    if sum(end - at for end, at in zip(ends, after, strict=True)) > MAX_EVENTS:
        raise NotYet(ends, done)
    low, high = after, ends
    for cut in (query.since, query.after):
        low = low if cut is None else tuple(map(max, low, cut))
    if query.until is not None:
        high = tuple(map(min, high, query.until))
    if query.before is not None:
        high = tuple(min(end, first - 1) for end, first in zip(high, query.before, strict=True))
    wanted = frozenset(terms_of(terms, query))
    fits = _fitting(reader, terms, wanted, following(reader, low, high))
    return Unfollowed(
        after, [event async for event in fits if query.stream in (None, event.stream)]
    )


async def _before_first(reader: Reader, done: Cut, ends: Cut) -> Cut:
    """The cut before the first event that the index does not have, in all partitions."""
    first = [
        (partition, at + 1)
        for partition, (at, end) in enumerate(zip(done, ends, strict=True))
        if at < end
    ]
    if not first:
        return ends
    partitions, positions = (list(each) for each in zip(*first, strict=True))
    times = await reader.store.ask(SQL["times"], partitions, positions)
    return await cut_before(reader.store, min(row["recorded_at"] for row in times))


async def _fitting(
    reader: Reader,
    terms: Terms,
    wanted: Collection[int],
    events: AsyncIterator[AuditedEvent],
) -> AsyncIterator[AuditedEvent]:
    """The events that have all of some terms."""
    states: dict[StreamId, Folded[Any]] = {}
    async for event in events:
        before, after = await _around(reader, states, event)
        if after is not None:
            states[event.stream] = after
        is_read = isinstance(event.recorded, Recorded) and after is not None
        has = terms.of(
            event,
            before.state if is_read and before is not None else None,
            after.state if is_read and after is not None else None,
        )
        if frozenset(wanted) <= frozenset(has):
            yield event


async def _around(
    reader: Reader, states: dict[StreamId, Folded[Any]], event: AuditedEvent
) -> tuple[Folded[Any] | None, Folded[Any] | None]:
    """The stream before and after an event."""
    kind = (await reader.identity(event.stream)).kind
    before = states.get(event.stream)
    if before is None or before.version != event.version - 1:
        before = await reader.state(kind, event.stream, event.version - 1)
    return before, stepped(kind, before, event)
