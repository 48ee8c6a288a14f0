"""Streams as they were at a version, however deep they are: folded page by page.

Of the past, a fold begins with the nearest version that a history keeps, if any. A stream can still
have more events behind that than can be read within a request's usual deadline. So each page has a
deadline of its own, and is folded in slices between which others are served. The result is cached
for a while: a client that timed out finds it on its next request.
"""

from collections.abc import Sequence
from contextlib import suppress
from copy import copy
from typing import Any

import msgspec
from msgspec import Struct

from app.concurrency.batcher import Batcher
from app.concurrency.slices import LARGE, Slices
from app.concurrency.slots import Slots
from app.concurrency.ttl_cache import TtlCache
from app.database.sql import blocks
from app.log.errors import Unreadable
from app.log.log import Log
from app.log.read import LAST_VERSION, SLICE_EVENTS, Ends
from app.log.stream_keys import StreamKeys
from app.log.versions import versions_at
from app.queries.views import folded_row
from domain.ids import StreamId
from projections.catalog import CURRENT, view_of
from projections.fold import Folded, Recorded, fold

SQL = blocks(__file__)
_NEAREST = {kind: SQL["nearest"].format(history=view.history) for kind, view in CURRENT.items()}
_AT_ONCE = 2
"""Pages beyond the first that are read at the same time: bounds memory and connections."""
_KEPT_S = 300.0
_MAX_KEPT = 32
_LOST = 255
"""The mark of a stream without keys, beside those of erased ones."""

Asked = tuple[StreamId, int]
"""A stream, and the requested version."""


class Past(Struct, frozen=True):
    """A stream folded up to a version, the event there, and the box of its personal fields."""

    folded: Folded[Any]
    last: Recorded
    box: StreamKeys | None


class Pasts:
    """Folds streams for one worker process."""

    def __init__(self, log: Log, slices: Slices, *, batch: int, wait_s: float) -> None:
        """`batch`: look-ups that share one query, at most; `wait_s`: for a page of others."""
        self._log = log
        self._batch = batch
        self._ends = Batcher[Asked, Ends | None](log.ends, batch)
        self._deep = Slots(_AT_ONCE, wait_s)
        self._slices = slices
        self._folded = TtlCache[Past](ttl_s=_KEPT_S, most=_MAX_KEPT)

    def reading(self, log: Log) -> "Pasts":
        """The same, from a log that is read by another store: what was folded counts for both."""
        other = copy(self)
        other._log = log
        other._ends = Batcher[Asked, Ends | None](log.ends, self._batch)
        return other

    async def at(self, kind: str, stream: StreamId, version: int = LAST_VERSION) -> Past | None:
        """A stream of a kind as it was at a version, or is now; None if it is not of the kind.

        The time grows with the stream's depth, unless the stream was deleted: then its first and
        last event suffice, for nothing else of it is left. Raises Unreadable, or StoreDown.
        """
        ends = await self._ends.submit((stream, version))
        if ends is None or view_of(ends.first.event) is not CURRENT[kind]:
            return None
        if (known := _from_ends(kind, ends)) is not None:
            return known
        # The cache key is the event's id: in another log, the same version can have another past.
        # It also says which keys the stream has: once one is gone, no personal data that was folded
        # earlier may be shown.
        # Commands are decided on what the log alone gives.
        is_past = version != LAST_VERSION
        keys = _LOST if ends.box is None else ends.box.erased
        known_as = ends.last.event_id.bytes + bytes([keys, is_past])
        return await self._folded.get(known_as, lambda _: self._fold(kind, stream, ends, is_past))

    def forget(self) -> None:
        """Forget what was folded."""
        self._folded.clear()

    async def version_at(self, stream: StreamId, position: int) -> int:
        """A stream's last version up to a position of its partition; 0: it had none yet.

        The time hardly depends on the stream's depth. Raises StoreDown.
        """
        partition = self._log.partition(stream)
        found = await versions_at(self._log.reads, partition, stream, [position])
        return found[0] if found else 0

    async def _fold(self, kind: str, stream: StreamId, ends: Ends, is_past: bool) -> Past:
        last, boxes = ends.last, {} if ends.box is None else {stream: ends.box}
        folded = await self._nearest(kind, stream, ends) if is_past else None
        if folded is None:
            folded = await self._page(kind, None, stream, last.version, boxes)
        while folded.version < last.version:
            async with self._deep.one():
                folded = await self._page(kind, folded, stream, last.version, boxes)
        return Past(folded, last, ends.box)

    async def _nearest(self, kind: str, stream: StreamId, ends: Ends) -> Folded[Any] | None:
        """The last version up to the end that a history keeps; None: the fold begins anew.

        Without a key, what a history still holds of personal data must not be shown. With an erased
        one, the events say what is erased, and a history does not.
        """
        if ends.box is None or ends.box.erased or ends.last.version <= SLICE_EVENTS:
            return None
        partition, version = self._log.partition(stream), ends.last.version
        for row in await self._log.reads.ask(_NEAREST[kind], partition, stream, version):
            with suppress(msgspec.MsgspecError, Unreadable):
                return folded_row(kind, row, self._log.open_in_view)
        return None

    async def _page(
        self,
        kind: str,
        folded: Folded[Any] | None,
        stream: StreamId,
        until: int,
        boxes: dict[StreamId, StreamKeys],
    ) -> Folded[Any]:
        after = 0 if folded is None else folded.version
        slices = await self._log.slices(stream, after=after, until=until, boxes=boxes)
        await self._slices.turn(LARGE)
        for events in slices:
            folded = _advanced(kind, folded, events)
            await self._slices.turn(LARGE)
        if folded is None or folded.version == after:
            raise Unreadable(f"stream {stream} has no version {after + 1}")
        return folded


def _from_ends(kind: str, ends: Ends) -> Past | None:
    """The stream, if its first and last event suffice to fold it; else None."""
    first, last = ends.first, ends.last
    folded = _advanced(kind, None, [first])
    if last.version > first.version + 1 and not _deletes(kind, folded, last):
        return None
    if last.version > first.version:
        folded = _advanced(kind, folded, [last])
    return Past(folded, last, ends.box)


def _deletes(kind: str, folded: Folded[Any], last: Recorded) -> bool:
    view = CURRENT[kind]
    return last.event.topic.startswith(f"{kind}.deleted.") and view.gone(
        view.evolve(folded.state, last.event)
    )


def _advanced(kind: str, folded: Folded[Any] | None, events: Sequence[Recorded]) -> Folded[Any]:
    for recorded in events:
        folded = fold(CURRENT[kind].evolve, folded, recorded, kind)
    assert folded is not None  # a slice is never empty
    return folded
