"""Where events that fit a search are in one partition: position by position, in order.

Nothing here reads an event: positions come from the index of events, from the key of a stream, or
are simply all there are.
"""

from collections import deque
from collections.abc import AsyncIterator, Sequence

from msgspec import Struct

from app.database.sql import blocks
from app.history import segments
from app.history.terms import SHALLOW_EVENTS
from app.log.read import LAST_VERSION, Asks
from app.log.versions import versions_at
from domain.ids import StreamId

SQL = blocks(__file__)
_MAX_SEGMENTS = 64
_PAGE_POSITIONS = 256


class Range(Struct, frozen=True):
    """Positions of a partition: above one, and up to another; from which end they are taken."""

    partition: int
    after: int
    upto: int
    newest_first: bool

    @property
    def first_segment(self) -> int:
        """Of the position that comes first."""
        return segments.place(self.upto if self.newest_first else self.after + 1)[0]

    @property
    def last_segment(self) -> int:
        """Of the position that comes last."""
        return segments.place(self.after + 1 if self.newest_first else self.upto)[0]

    def bits(self, segment: int) -> int:
        """Which positions of a segment are in it."""
        start = segments.position_at(segment, 0)
        within = segments.up_to(min(self.upto - start, segments.POSITIONS - 1))
        return within & ~segments.up_to(max(-1, self.after - start))

    def sql(self, name: str) -> str:
        """A statement in its direction."""
        return _SQL[name, self.newest_first]

    def comes_before(self, segment: int, other: int) -> bool:
        """Whether a segment is taken before another."""
        return segment > other if self.newest_first else segment < other


_SQL = {
    (name, newest): SQL[name].format(order=order, **{"from": comparison})
    for name in ("segments", "positions")
    for newest, order, comparison in ((True, "DESC", "<="), (False, "ASC", ">="))
}


async def all_positions(within: Range) -> AsyncIterator[int]:
    """Every position: a partition has no holes."""
    oldest_first = range(within.after + 1, within.upto + 1)
    for position in reversed(oldest_first) if within.newest_first else oldest_first:
        yield position


async def of_stream(
    store: Asks, within: Range, stream: StreamId, *, upto_version: int = LAST_VERSION
) -> AsyncIterator[int]:
    """The positions of a stream's events, up to a version. Raises StoreDown."""
    known = within.partition, stream
    before, last = await versions_at(store, *known, (within.after, within.upto)) or (0, 0)
    low, high = before + 1, min(last, upto_version)
    while low <= high:
        page = await store.ask(within.sql("positions"), *known, low, high, _PAGE_POSITIONS)
        for row in page:
            yield row["position"]
        if within.newest_first:
            high -= len(page) or high
        else:
            low += len(page) or high


async def of_terms(store: Asks, within: Range, terms: Sequence[int]) -> AsyncIterator[int]:
    """The positions of the events that have all of some terms. Raises StoreDown."""
    cursors = [_Cursor(term) for term in terms]
    target = within.first_segment
    while not within.comes_before(within.last_segment, target):
        await _fill(store, within, cursors, target)
        if any(not cursor.found for cursor in cursors):
            return
        heads = [cursor.found[0][0] for cursor in cursors]
        farthest = min(heads) if within.newest_first else max(heads)
        if any(head != farthest for head in heads):
            target = farthest
            continue
        if within.comes_before(within.last_segment, farthest):
            return
        bits = within.bits(farthest)
        for cursor in cursors:
            bits &= segments.bits_of(cursor.found[0][1])
        for offset in segments.offsets_of(bits, newest_first=within.newest_first):
            yield segments.position_at(farthest, offset)
        target = farthest + (-1 if within.newest_first else 1)


async def of_terms_in_stream(
    store: Asks, within: Range, terms: Sequence[int], stream: StreamId, stream_term: int
) -> AsyncIterator[int]:
    """As `of_terms`, of one stream.

    Its first events have no term for it, and are compared one by one. Raises StoreDown.
    """
    first = of_stream(store, within, stream, upto_version=SHALLOW_EVENTS)
    shallow = [position async for position in first]
    deep = of_terms(store, within, [*terms, stream_term])
    if within.newest_first:
        async for position in deep:
            yield position
    async for position in _fitting(store, within, terms, shallow):
        yield position
    if not within.newest_first:
        async for position in deep:
            yield position


async def _fitting(
    store: Asks, within: Range, terms: Sequence[int], positions: Sequence[int]
) -> AsyncIterator[int]:
    """Those of some positions, which are in order, whose events have all terms."""
    rest = deque(positions)
    while rest:
        # (Neighbours are in one segment, mostly, and the index is asked once for them.)
        segment = segments.place(rest[0])[0]
        start, end = segments.position_at(segment, 0), segments.position_at(segment + 1, 0)
        there = Range(within.partition, start - 1, end - 1, within.newest_first)
        found = {position async for position in of_terms(store, there, terms)}
        while rest and start <= rest[0] < end:
            position = rest.popleft()
            if position in found:
                yield position


class _Cursor:
    """A term's segments, as far as they were read."""

    def __init__(self, term: int) -> None:
        self.term = term
        self.found: deque[tuple[int, bytes]] = deque()
        self.last: int | None = None
        """The segment that was read last; None: none yet."""
        self.is_done = False
        self.most = 4


async def _fill(store: Asks, within: Range, cursors: Sequence[_Cursor], target: int) -> None:
    """Bring each cursor to the first of its segments that is not before `target`."""
    for cursor in cursors:
        while cursor.found and within.comes_before(cursor.found[0][0], target):
            cursor.found.popleft()
    empty = [cursor for cursor in cursors if not cursor.found and not cursor.is_done]
    if not empty:
        return
    for cursor in empty:
        # One that goes on where it was reads more and more, one that leaps reads little.
        goes_on = cursor.last is not None and abs(target - cursor.last) == 1
        cursor.most = min(_MAX_SEGMENTS, cursor.most * 2) if goes_on else 4
    rows = await store.ask(
        within.sql("segments"),
        within.partition,
        [cursor.term for cursor in empty],
        [target] * len(empty),
        [cursor.most for cursor in empty],
    )
    for row in rows:
        empty[row["number"] - 1].found.append((row["segment"], row["positions"]))
    for cursor in empty:
        cursor.is_done = len(cursor.found) < cursor.most
        if cursor.found:
            cursor.last = cursor.found[-1][0]
