"""Folded aggregates: in memory, or else loaded from the database."""

from collections.abc import Sequence
from copy import copy
from functools import partial
from typing import Any

import asyncpg
import msgspec

from app.commands.past import Pasts
from app.commands.snapshots import Snapshot, SnapshotCache, snapshot_of
from app.concurrency.batcher import Batcher
from app.concurrency.slices import Slices, Unread
from app.database.sql import blocks
from app.log.errors import Unreadable
from app.log.log import Log
from app.log.read import LAST_VERSION
from app.queries.views import folded_row
from app.settings import Settings
from domain.ids import StreamId
from projections.catalog import CURRENT
from projections.fold import Folded

SQL = blocks(__file__)
_LOADS = {kind: SQL["load"].format(view=view.name) for kind, view in CURRENT.items()}


class Repository:
    """The aggregates that one worker process remembers or loads; many callers share a query."""

    def __init__(self, log: Log, settings: Settings) -> None:
        """`log`: of the worker."""
        self._log = log
        self._settings = settings
        self._rows = self._row_batchers()
        self.slices = Slices()
        self._pasts = Pasts(
            log, self.slices, batch=settings.batch_lookups, wait_s=settings.turn_wait_s
        )
        self.memory = SnapshotCache(settings.cache_bytes)
        """Aggregates that may be behind the log, because other processes write too."""

    def reading(self, log: Log) -> "Repository":
        """The same aggregates, loaded from a log that is read by another store."""
        other = copy(self)
        other._log = log
        other._rows = other._row_batchers()
        other._pasts = self._pasts.reading(log)
        return other

    def forget(self) -> None:
        """Forget all aggregates."""
        self.memory.clear()
        self._pasts.forget()

    async def load(self, kind: str, stream: StreamId) -> Snapshot:
        """Load an aggregate with all commits from before the call, and remember it.

        A stream of another kind counts as a stream without events. Raises Unreadable, or
        StoreDown.
        """
        known = await self._from_row(kind, stream)
        if known is None:
            known = await self._from_stream(kind, stream)
        self.memory.remember(kind, stream, known)
        return known

    async def as_of(self, kind: str, stream: StreamId, version: int) -> Folded[Any]:
        """An aggregate as it was at a version. The stream must have events.

        Raises Unreadable, or StoreDown.
        """
        folded = await self._at_version(kind, stream, version)
        assert folded is not None  # the caller knows an event of it
        return folded

    async def at(self, kind: str, stream: StreamId, position: int) -> Folded[Any] | None:
        """An aggregate as it was at a position of its partition.

        None if it had no event by then, or is of another kind. Raises Unreadable, or StoreDown.
        """
        version = await self._pasts.version_at(stream, position)
        return await self._at_version(kind, stream, version) if version else None

    async def has_events(self, stream: StreamId) -> bool:
        """Whether a stream has any event, of whatever kind. Raises StoreDown."""
        return await self._pasts.version_at(stream, LAST_VERSION) > 0

    async def _at_version(self, kind: str, stream: StreamId, version: int) -> Folded[Any] | None:
        known = await self._from_row(kind, stream)
        if known is not None and known.folded is not None and known.folded.version == version:
            return known.folded
        past = await self._pasts.at(kind, stream, version)
        return None if past is None else past.folded

    async def _from_row(self, kind: str, stream: StreamId) -> Snapshot | None:
        """An aggregate from its view's row, which is a snapshot however long the stream is.

        None if the row or the key is missing, the row is not at the stream's last event, or it
        cannot be read: then the stream must be folded.
        """
        return await self.slices.read(await self._rows[kind].submit(stream))

    async def _from_stream(self, kind: str, stream: StreamId) -> Snapshot:
        past = await self._pasts.at(kind, stream)
        if past is None:
            return Snapshot()
        doc = CURRENT[kind].doc(stream, past.folded.state, self._log.seal_in_view)
        return snapshot_of(past.folded, past.last.event_id, past.box, doc)

    def _row_batchers(self) -> dict[str, Batcher[StreamId, Unread[Snapshot | None]]]:
        most, wait_s = self._settings.batch_lookups, self._settings.store_deadline_s
        return {kind: Batcher(partial(self._load, kind), most, wait_s=wait_s) for kind in CURRENT}

    async def _load(
        self, kind: str, streams: Sequence[StreamId]
    ) -> Sequence[Unread[Snapshot | None]]:
        wanted = list(dict.fromkeys(streams))
        partitions = list(map(self._log.partition, wanted))
        rows = await self._log.reads.ask(_LOADS[kind], partitions, wanted)
        found = {
            row["stream"]: Unread(len(row["doc"] or ""), partial(self._known, kind, row))
            for row in rows
        }
        return [found[stream] for stream in streams]

    def _known(self, kind: str, row: asyncpg.Record) -> Snapshot | None:
        if row["last_version"] is None:
            return Snapshot()
        if row["version"] != row["last_version"] or row["wrapped"] is None:
            return None
        try:
            box = self._log.keys(row["stream"], row["wrapped"])
            if box.erased:  # the events say what is erased; a row does not
                return None
            folded = folded_row(kind, row, self._log.open_in_view)
            return snapshot_of(folded, row["last"], box, row["doc"])
        except (Unreadable, msgspec.MsgspecError):
            return None
