"""Folded aggregates: those in memory, and the way to the others in the database."""

import asyncio
from collections.abc import Sequence
from typing import Any

from app.cache import Cache, Known
from app.log.batcher import Batcher
from app.log.errors import Unreadable
from app.log.keyring import Box, Keyring
from app.log.pool import Pool
from app.log.read import read_boxes
from app.past import Pasts
from app.settings import Settings
from app.views import Views
from domain.ids import StreamId, partition_of
from projections.catalog import VIEWS
from projections.fold import Folded


class Aggregates:
    """What one worker process knows of streams, or asks for; many callers share a query."""

    def __init__(
        self, pool: Pool, keyring: Keyring, views: Views, settings: Settings, *, partitions: int
    ) -> None:
        """`partitions`: how many the log has."""
        self._pool = pool
        self._keyring = keyring
        self._views = views
        self._partitions = partitions
        self._boxes = Batcher[StreamId, Box | None](self._open, settings.batch_lookups)
        self._pasts = Pasts(pool, keyring, partitions=partitions, batch=settings.batch_lookups)
        self.memory = Cache(settings.cache_bytes)
        """May be behind the log, because other processes write too."""

    async def load(self, kind: str, stream: StreamId) -> Known:
        """An aggregate as it is now, with all that was committed before the call; remembered.

        Raises Unreadable, or StoreDown.
        """
        known = await self._from_row(kind, stream) or await self._from_stream(kind, stream)
        self.memory.remember(stream, known)
        return known

    async def as_of(self, kind: str, stream: StreamId, version: int) -> Folded[Any]:
        """An aggregate as it was at a version. The stream must have events.

        Raises Unreadable, or StoreDown.
        """
        known = await self._from_row(kind, stream)
        if known is not None and known.folded is not None and known.folded.version == version:
            return known.folded
        past = await self._pasts.at(kind, stream, version)
        assert past is not None  # noqa: S101  # the caller knows an event of it
        return past.folded

    async def _from_row(self, kind: str, stream: StreamId) -> Known | None:
        """The aggregate as its view's row has it: a snapshot, however long the stream is.

        None if the row or the key is not there or cannot be read: then the stream has to tell.
        """
        try:
            row, box = await asyncio.gather(
                self._views.get(kind, stream), self._boxes.submit(stream)
            )
        except Unreadable:
            return None
        if row is None or box is None:
            return None
        return Known(row.folded, box, len(VIEWS[kind].doc(row.folded.state) or ""))

    async def _from_stream(self, kind: str, stream: StreamId) -> Known:
        past = await self._pasts.at(kind, stream)
        if past is None:
            return Known()
        return Known(past.folded, past.box, len(VIEWS[kind].doc(past.folded.state) or ""))

    async def _open(self, streams: Sequence[StreamId]) -> Sequence[Box | Exception | None]:
        return await read_boxes(self._pool, self._keyring, self._placed(streams))

    def _placed(self, streams: Sequence[StreamId]) -> list[tuple[int, StreamId]]:
        return [(partition_of(stream, self._partitions), stream) for stream in streams]
