"""Brings fresh tables up to the log's end: the rows of streams that moved, those that are damaged.

Beside appends it goes in rounds, and the last few events are folded while appends wait.
"""

from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from typing import TypeVar
from uuid import UUID

import asyncpg
from msgspec import UNSET, UnsetType

from app.database.sql import blocks
from app.history.streams import Damaged, FoldedStream
from app.log.keyring import Keyring
from app.log.read import PAGE_EVENTS, Head, heads
from app.maintenance.store import Connection
from app.rebuild import pieces, tables
from app.rebuild.moved import Moved
from app.rebuild.scan import add_rows, by_kind, copy
from domain.event import kind_of
from domain.ids import StreamId, partition_of
from projections.view import View

SQL = blocks(__file__)
T = TypeVar("T")
FEW_EVENTS = 200
"""Events that may be left to the swap, while appends wait."""
MAX_ROUNDS = 10
"""Rounds of catching up before a swap; after these, the swap folds whatever is left."""

Positions = Mapping[int, int]
"""The position up to which each partition is folded."""


def positions(ends: Sequence[Head]) -> Positions:
    """The positions of some heads."""
    return {end.partition: end.position for end in ends}


class CatchUp:
    """The fresh tables of some views after their scan."""

    def __init__(
        self, store: Connection, keyring: Keyring, views: Mapping[str, View], partitions: int
    ) -> None:
        """`partitions`: the log's."""
        self._store = store
        self._keyring = keyring
        self._views = views
        self._partitions = partitions
        self._moved = Moved(store, keyring)
        self._known: str | UnsetType | None = UNSET
        """The last erasure before anything was read here: states of deep streams are kept."""
        self.rows = dict.fromkeys(views, 0)
        """The number of rows in each fresh table."""
        self.damaged: dict[UUID, str] = {}
        """The streams that cannot be folded, and why."""

    async def count(self) -> dict[str, int]:
        """Count the rows that each fresh table has."""
        connection = self._store.raw
        return {
            name: await connection.fetchval(tables.sql(SQL["count"], view))
            for name, view in self._views.items()
        }

    async def in_rounds(self, names: Collection[str], reached: Positions) -> Positions:
        """Fold new events in rounds, which get shorter as long as the fold outruns appends."""
        for _ in range(MAX_ROUNDS):
            ends = await heads(self._store)
            behind = sum(end.position - reached[end.partition] for end in ends)
            reached = await self.take_up(names, reached, ends)
            if behind <= FEW_EVENTS:
                break
        return reached

    async def take_up(
        self, names: Collection[str], reached: Positions, ends: Sequence[Head]
    ) -> Positions:
        """Bring the rows of the moved streams up to date."""
        kinds = {self._views[name].kind for name in names}
        if self._known is UNSET:
            self._known = await tables.last_erasure(self._store.raw)
        for end in ends:
            after = reached[end.partition]
            while rows := await self._store.ask(
                SQL["moved"], end.partition, after, end.position, PAGE_EVENTS
            ):
                moved = {stream: at for stream, at, topic, _ in rows if kind_of(topic) in kinds}
                async for streams, folded in self._moved.folded(end.partition, moved):
                    async with self._filling(end.partition, streams):
                        await self._renew(names, end.partition, streams, folded)
                after = rows[-1]["position"]
        return positions(ends)

    async def at_heads(
        self, names: Collection[str], reached: Positions, look: Callable[[], Awaitable[T]]
    ) -> tuple[Positions, T]:
        """Bring the rows up to the heads of a snapshot, and look at them in it.

        It is done anew if an erasure has changed a row since the snapshot was taken.
        """
        while True:
            rows, damaged = dict(self.rows), dict(self.damaged)
            try:
                async with tables.filling_a_snapshot(self._store.raw):
                    ends = await heads(self._store)
                    return await self.take_up(names, reached, ends), await look()
            except asyncpg.SerializationError:
                self.rows, self.damaged = rows, damaged

    @asynccontextmanager
    async def _filling(self, partition: int, streams: Sequence[UUID]) -> AsyncIterator[None]:
        """Write rows of streams that were read before, and perhaps before an erasure.

        In a snapshot, or while appends wait, none comes in between.
        """
        connection = self._store.raw
        if connection.is_in_transaction():
            yield
            return
        assert self._known is not UNSET  # `take_up` has looked
        async with tables.filling(connection):
            yield
            await tables.erase_folded(connection, partition, streams, self._known)

    async def keep_damaged(self, streams: Sequence[UUID]) -> None:
        """Take the live rows of streams that could not be folded."""
        async with tables.filling(self._store.raw):
            await self._keep(self._views, streams)

    async def _keep(self, names: Collection[str], streams: Sequence[UUID]) -> None:
        partitions = [partition_of(StreamId(stream), self._partitions) for stream in streams]
        for name in names if streams else ():
            await self._changed("forget", name, partitions, streams)
            await self._changed("keep", name, partitions, streams)

    async def _changed(
        self, change: str, name: str, partitions: Sequence[int], streams: Sequence[UUID]
    ) -> None:
        """Run a statement that removes or adds rows of some streams, and count them."""
        statement = tables.sql(SQL[change], self._views[name])
        done = await self._store.raw.execute(statement, partitions, streams)
        changed = int(done.rpartition(" ")[2])
        self.rows[name] += changed if change == "keep" else -changed

    async def _renew(
        self,
        names: Collection[str],
        partition: int,
        streams: Sequence[StreamId],
        folded: Iterable[FoldedStream | Damaged],
    ) -> None:
        """Replace the rows of some streams."""
        connection = self._store.raw
        whole: list[FoldedStream] = []
        for stream in streams:
            self.damaged.pop(stream, None)
        for each in folded:
            if isinstance(each, Damaged):
                self.damaged[each.stream] = str(each)
            else:
                whole.append(each)
        views = {name: self._views[name] for name in names}
        for name in names:
            await self._changed("forget", name, [partition] * len(streams), streams)
        for name, rows in add_rows(by_kind(views.values()), self._keyring, whole).items():
            await copy(connection, views[name], rows)
            self.rows[name] += len(rows)
        await self._keep(names, [stream for stream in streams if stream in self.damaged])
        await pieces.doubt_streams(connection, names, partition, streams)
