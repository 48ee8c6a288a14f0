"""Finds events by what they are about, in all partitions, newest or oldest first.

The index of events names the positions that fit, and only the events that are shown are read.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from app.database.sql import blocks
from app.history import found_positions, terms
from app.history.followed import wait_for
from app.history.found_positions import Range
from app.history.moments import Cut, cut_at, cut_before, present_cut
from app.history.terms import Terms
from app.log.audited import AuditedEvent, read_places
from app.log.keyring import Keyring
from app.log.read import Asks
from domain.ids import StreamId

SQL = blocks(__file__)
WAIT_S = 2.0
"""How long a search waits for the index to have the events that it is about."""


class SearchedLog(Protocol):
    """A log as a search needs it: that of a service, or of a command."""

    @property
    def reads(self) -> Asks:
        """Runs queries."""

    @property
    def keyring(self) -> Keyring:
        """The keys of personal data."""

    @property
    def partition(self) -> Callable[[StreamId], int]:
        """The partition of a stream."""

    def fingerprint(self, text: bytes) -> bytes:
        """A keyed hash."""


class EventQuery(Struct, frozen=True, kw_only=True):
    """What to look for: events that fit all that is given."""

    actor: str | None = None
    type: str | None = None
    """The stored name; its version does not count."""
    operation: str | None = None
    face: str | None = None
    account: str | None = None
    """Events of its sessions, and its own."""
    field: str | None = None
    """A field that the event set, in the spelling of any API."""
    client: str | None = None
    """Address of the caller."""
    request: str | None = None
    """Id of the request."""
    viewed: StreamId | None = None
    """Views of personal data of this stream."""
    stream: StreamId | None = None
    since: Cut | None = None
    """The last positions that are too early."""
    until: Cut | None = None
    """The last positions that are wanted."""
    before: Cut | None = None
    """The first positions that are too late: `FoundEvents.next` of a page newest first."""
    after: Cut | None = None
    """As `since`: `FoundEvents.next` of a page oldest first."""
    reverse: bool = False
    """Oldest first."""
    limit: int = 50


class FoundEvents(Struct, frozen=True):
    """A page of events."""

    events: list[AuditedEvent]
    has_more: bool
    next: Cut
    """Where the next page begins: its `before`; its `after` if it is oldest first."""


async def find(log: SearchedLog, query: EventQuery, *, wait_s: float = WAIT_S) -> FoundEvents:
    """The first events that fit, by time, partition and position. Raises NotYet, StoreDown."""
    wanted = terms_of(Terms(log.fingerprint), query)
    ranges = await _ranges(log, query)
    if wanted:
        await wait_for(log.reads, [each.upto for each in ranges], wait_s)
    sources = [_Source(each, _positions(log, query, wanted, each)) for each in ranges]
    places = await _merged(log, sources, query.limit + 1, newest_first=not query.reverse)
    shown = places[: query.limit]
    events: list[AuditedEvent] = []
    for part in await read_places(log.reads, log.keyring, shown):
        events += [event for event in part if _is_still(event, query)]
        await asyncio.sleep(0)  # others' requests
    bounds = {each.partition: each.after if query.reverse else each.upto + 1 for each in ranges}
    return FoundEvents(events, len(places) > len(shown), tuple((bounds | dict(shown)).values()))


async def before_event(log: SearchedLog, partition: int, position: int, at: datetime) -> Cut:
    """`before` for the events that come before one, which is given with its time."""
    cut = await upto_event(log.reads, partition, position, at)
    return tuple(end if number == partition else end + 1 for number, end in enumerate(cut))


async def after_event(log: SearchedLog, partition: int, position: int, at: datetime) -> Cut:
    """`after` for the events that come after one, which is given with its time."""
    return await upto_event(log.reads, partition, position, at)


async def upto_event(store: Asks, partition: int, position: int, at: datetime) -> Cut:
    """The last positions that do not come after an event, which is given with its time.

    Of one time, events are in the order of their partitions. Raises StoreDown.
    """
    upto, earlier = await cut_at(store, at), await cut_before(store, at)
    return (*upto[:partition], position, *earlier[partition + 1 :])


def _is_still(event: AuditedEvent, query: EventQuery) -> bool:
    """Whether the caller of a found event is known; the index forgets what is erased after it."""
    if query.client is None and query.request is None:
        return True
    call = terms.called(event)
    return query.client in (None, call.client) and query.request in (None, call.request_id)


def terms_of(hashed: Terms, query: EventQuery) -> list[int]:
    """The terms that events have which fit a query, but for its stream and its ends."""
    given = {
        terms.ACTOR: query.actor,
        terms.TYPE: query.type and terms.type_name(query.type),
        terms.OPERATION: query.operation,
        terms.FACE: query.face,
        terms.ACCOUNT: query.account,
        terms.CLIENT: query.client,
        terms.REQUEST: query.request,
        terms.FIELD: query.field and terms.field_name(query.field),
        terms.VIEWED: None if query.viewed is None else str(query.viewed),
    }
    return [hashed.term(name, value) for name, value in given.items() if value is not None]


async def _ranges(log: SearchedLog, query: EventQuery) -> list[Range]:
    """The positions in question, for each partition."""
    ends = await present_cut(log.reads)
    lows = [cut for cut in (query.since, query.after) if cut is not None]
    highs = [cut for cut in (ends, query.until) if cut is not None]
    made = []
    for partition in range(len(ends)):
        after = max([0, *(cut[partition] for cut in lows)])
        upto = min(cut[partition] for cut in highs)
        if query.before is not None:
            upto = min(upto, query.before[partition] - 1)
        if query.stream is not None and log.partition(query.stream) != partition:
            upto = min(upto, after)
        made.append(Range(partition, after, max(0, upto), not query.reverse))
    return made


def _positions(
    log: SearchedLog, query: EventQuery, wanted: Sequence[int], within: Range
) -> AsyncIterator[int]:
    if query.stream is None:
        if not wanted:
            return found_positions.all_positions(within)
        return found_positions.of_terms(log.reads, within, wanted)
    if not wanted:
        return found_positions.of_stream(log.reads, within, query.stream)
    of_stream = Terms(log.fingerprint).term(terms.STREAM, str(query.stream))
    return found_positions.of_terms_in_stream(log.reads, within, wanted, query.stream, of_stream)


class _Source:
    """The positions of one partition that are still to be taken, the next ones with their times."""

    def __init__(self, within: Range, positions: AsyncIterator[int]) -> None:
        self.partition = within.partition
        self._positions = positions
        self.is_done = within.after >= within.upto
        self.next: deque[int] = deque()
        self.times: dict[int, datetime] = {}

    async def fill(self, count: int) -> list[int]:
        """Have so many positions ready, if there are; returns those that are new."""
        new: list[int] = []
        while not self.is_done and len(self.next) < count:
            position = await anext(self._positions, None)
            if position is None:
                self.is_done = True
            else:
                self.next.append(position)
                new.append(position)
        return new


async def _merged(
    log: SearchedLog, sources: Sequence[_Source], most: int, *, newest_first: bool
) -> list[tuple[int, int]]:
    """The first places of all partitions together."""
    live = [source for source in sources if not source.is_done]
    if len(live) == 1:
        return [(live[0].partition, position) for position in await live[0].fill(most)]
    merged: list[tuple[int, int]] = []
    share = -(-most // max(1, len(live))) + 1
    while len(merged) < most:
        if any(not source.next and not source.is_done for source in live):
            await _fill_all(log, live, share)
        ready = [source for source in live if source.next]
        if not ready:
            break
        choose = max if newest_first else min
        first = choose(ready, key=lambda s: (s.times[s.next[0]], s.partition, s.next[0]))
        merged.append((first.partition, first.next.popleft()))
    return merged


async def _fill_all(log: SearchedLog, sources: Sequence[_Source], share: int) -> None:
    """Have the next positions of each partition ready, with their times."""
    new = [(source, position) for source in sources for position in await source.fill(share)]
    rows = await log.reads.ask(
        SQL["times"], [source.partition for source, _ in new], [position for _, position in new]
    )
    found = {(row["partition"], row["position"]): row["recorded_at"] for row in rows}
    for source, position in new:
        at = found.get((source.partition, position))
        if at is None:  # somebody deleted it
            source.next.remove(position)
        else:
            source.times[position] = at
