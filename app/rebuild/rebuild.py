"""`rebuild`: folds the log into fresh tables beside the live ones, then swaps them in.

Appends wait only for the swap, which folds the last few events. All events before these are folded
beside the appends.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from app.database.sql import blocks
from app.history.streams import (
    Damaged,
    FoldedStream,
    Found,
    Progress,
    Stray,
    folded_streams,
    undamaged,
)
from app.log.keyring import Keyring
from app.log.read import PAGE_EVENTS, Head, heads
from app.maintenance.store import Connection
from app.rebuild import tables
from app.rebuild.dependants import require_independence
from app.rebuild.moved import Moved
from app.rebuild.pieces import BEFORE_ALL, Place, differing
from domain.event import kind_of
from domain.ids import StreamId, partition_of
from projections import catalog
from projections.catalog import CURRENT
from projections.view import WRITTEN, View

SQL = blocks(__file__)
FEW_EVENTS = 200
"""Events that may be left to the swap, while appends wait."""
MAX_ROUNDS = 10
"""Rounds of catching up before a swap; after these, the swap folds whatever is left."""
LOCK_WAITS_MS = (100, 200, 400, 800, 1_600, 1_600, 1_600)
"""How long each try of a swap waits for its locks, and live traffic for the try.

The last waits are longer than `deadlock_timeout`, after which PostgreSQL ends an autovacuum that is
in the way.
"""
PAUSE_S = 0.5
"""Seconds between two tries."""

Positions = Mapping[int, int]
"""The position up to which each partition is folded."""


class RebuildUnderWay(Exception):
    """Another rebuild or a verification is working on the views."""

    def __init__(self) -> None:
        """The message is for the operator who started the second one."""
        super().__init__("another rebuild is under way, or a verification: try again later")


class ViewInUse(Exception):
    """A transaction held a view's table for so long that the table could not be swapped."""

    def __init__(self, name: str) -> None:
        """`name`: the view's."""
        self.name = name
        super().__init__(f"{name} is in use by a long transaction: it was not swapped")


class RebuildSpoilt(Exception):
    """A fresh table differs from the folded rows: somebody else wrote to it."""

    def __init__(self, name: str, rows: int, folded: int) -> None:
        """`rows`: the rows in the table; `folded`: the rows written to it."""
        super().__init__(f"the fresh {name} has {rows} rows where the log gives {folded}")


class Rebuilt(Struct, frozen=True):
    """The result of a rebuild."""

    events: dict[str, int]
    """The number of events in the log when each view was swapped in."""
    rows: dict[str, int]
    """The number of rows in each view."""
    mended: dict[str, int]
    """The number of rows in each view that were wrong, missing or superfluous."""
    passed: list[str]
    """The places of events that the fold ignored, being of another kind than their stream."""
    damaged: list[str]
    """The streams that cannot be folded, each with its session and the reason.

    Their rows are the ones that they had before.
    """


async def rebuild(
    store: Connection, keyring: Keyring, views: Sequence[View], progress: Progress
) -> Rebuilt:
    """Rebuild views from the log; each shows the log's end at the moment when it is swapped in.

    A stream that cannot be folded keeps the rows that it has. Raises ViewDependedOn,
    RebuildUnderWay or RebuildSpoilt, and then leaves the live views unchanged. ViewInUse leaves one
    view and those after it unchanged. So does ViewDependedOn if the dependant was made during the
    work.
    """
    for view in views:
        await require_independence(store.raw, view)
    if not await store.raw.fetchval(SQL["begin"]):
        raise RebuildUnderWay
    try:
        return await _Run(store, keyring, views).run(progress)
    finally:
        if not store.raw.is_closed():
            for view in views:
                await tables.drop_fresh(store.raw, view)
            await store.raw.execute(SQL["end"])


class _Run:
    """One rebuild."""

    def __init__(self, store: Connection, keyring: Keyring, views: Sequence[View]) -> None:
        self._store = store
        self._keyring = keyring
        self._views = {view.name: view for view in views}
        self._rows = dict.fromkeys(self._views, 0)
        self._passed: list[Stray] = []
        self._damaged: dict[StreamId, Damaged] = {}
        self._moved = Moved(store, keyring)
        self._partitions = 0

    async def run(self, progress: Progress) -> Rebuilt:
        connection = self._store.raw
        for view in self._views.values():
            await tables.make_fresh(connection, view)
        started = await heads(self._store)
        self._partitions = len(started)
        await self._scan(started, progress)
        reached = await self._catch_up(self._views, _positions(started))
        for view in self._views.values():
            await connection.execute(tables.sql(SQL["analyze"], view))
        mended, reached = await self._compare(reached)
        events = {name: await self._swap(view, reached) for name, view in self._views.items()}
        damaged = [await self._named(each) for each in self._damaged.values()]
        return Rebuilt(events, self._rows, mended, list(map(str, self._passed)), damaged)

    async def _scan(self, started: Sequence[Head], progress: Progress) -> None:
        done, total = 0, sum(head.position for head in started)
        for head in started:
            async for page, events in folded_streams(self._store, self._keyring, head):
                await self._write_undamaged(self._views, page)
                done += events
                progress(done, total)
        await self._keep(self._views, list(self._damaged))

    async def _catch_up(self, names: Collection[str], reached: Positions) -> Positions:
        """Fold new events in rounds, which get shorter as long as the fold outruns appends."""
        for _ in range(MAX_ROUNDS):
            ends = await heads(self._store)
            behind = sum(end.position - reached[end.partition] for end in ends)
            reached = await self._take_up(names, reached, ends)
            if behind <= FEW_EVENTS:
                break
        return reached

    async def _take_up(
        self, names: Collection[str], reached: Positions, ends: Sequence[Head]
    ) -> Positions:
        """Bring the rows of the moved streams up to date."""
        kinds = {self._views[name].kind for name in names}
        for end in ends:
            after = reached[end.partition]
            while rows := await self._store.ask(
                SQL["moved"], end.partition, after, end.position, PAGE_EVENTS
            ):
                moved = {stream: at for stream, at, topic, _ in rows if kind_of(topic) in kinds}
                async for streams, folded in self._moved.folded(end.partition, moved):
                    await self._forget(names, end.partition, streams)
                    await self._write_undamaged(names, folded)
                    await self._keep(names, [each for each in streams if each in self._damaged])
                after = rows[-1]["position"]
        return _positions(ends)

    async def _write_undamaged(self, names: Collection[str], page: Iterable[Found]) -> None:
        whole = undamaged(page, self._passed.append, self._give_up)
        await self._write(names, whole)

    def _give_up(self, damaged: Damaged) -> None:
        self._damaged[StreamId(damaged.stream)] = damaged

    async def _keep(self, names: Collection[str], streams: Sequence[StreamId]) -> None:
        """Take the live rows of streams that cannot be folded."""
        if streams:
            partitions = [partition_of(stream, self._partitions) for stream in streams]
            for name in names:
                statement = tables.sql(SQL["keep"], self._views[name])
                done = await self._store.raw.execute(statement, partitions, streams)
                self._rows[name] += int(done.removeprefix("INSERT 0 "))

    async def _named(self, damaged: Damaged) -> str:
        """The session and the reason, in words."""
        for view in CURRENT.values():
            statement = tables.sql(SQL["doc"], view)
            partition = partition_of(StreamId(damaged.stream), self._partitions)
            for (doc,) in await self._store.ask(statement, partition, damaged.stream):
                return f"{view.kind} {_session_id(view, damaged.stream, doc)}: {damaged}"
        return str(damaged)

    async def _forget(
        self, names: Collection[str], partition: int, streams: Sequence[StreamId]
    ) -> None:
        for name in names:
            statement = tables.sql(SQL["forget"], self._views[name])
            done = await self._store.raw.execute(statement, partition, streams)
            self._rows[name] -= int(done.removeprefix("DELETE "))

    async def _write(self, names: Collection[str], page: Iterable[FoldedStream]) -> None:
        found: dict[str, list[tuple[Any, ...]]] = {}
        wanted = [self._views[name] for name in names]
        for current, folded in page:
            for view in wanted:
                if (
                    view.kind == current.kind
                    and (row := view.row(folded, self._keyring.seal_in_view)) is not None
                ):
                    found.setdefault(view.name, []).append(row)
        for name, rows in found.items():
            await self._store.raw.copy_records_to_table(
                tables.fresh(self._views[name]), records=rows, columns=WRITTEN
            )
            self._rows[name] += len(rows)

    async def _compare(self, reached: Positions) -> tuple[dict[str, int], Positions]:
        """The number of rows that differ from the live views, and the positions of the fresh ones.

        The counts are exact, and nobody waits for them: in a snapshot, the live views are at its
        heads, and the fresh ones are brought there. Damage done between this and the swap is mended
        without being counted. Raises RebuildSpoilt.
        """
        connection = self._store.raw
        mended = dict.fromkeys(self._views, 0)
        for name, view in self._views.items():
            rows = await connection.fetchval(tables.sql(SQL["count"], view))
            if rows != self._rows[name]:
                raise RebuildSpoilt(name, rows, self._rows[name])
            piece: Place | None = BEFORE_ALL
            while piece is not None:
                async with connection.transaction(isolation="repeatable_read"):
                    reached = await self._take_up(self._views, reached, await heads(self._store))
                    count, piece = await differing(connection, name, tables.fresh(view), piece)
                mended[name] += count
        return mended, reached

    async def _swap(self, view: View, reached: Positions) -> int:
        """Swap one view in; returns the number of events in the log at that moment.

        Each transaction swaps one view, so that a reader who holds one and waits for another can
        pass.
        """
        connection = self._store.raw
        for wait_ms in LOCK_WAITS_MS:
            reached = await self._catch_up({view.name}, reached)
            rows = self._rows[view.name]
            try:
                async with connection.transaction():
                    await connection.execute(SQL["lock_timeout"].format(wait_ms=wait_ms))
                    ends = await tables.lock(connection, view)
                    await self._take_up({view.name}, reached, ends)
                    await tables.replace(connection, view)
                return sum(end.position for end in ends)
            except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
                self._rows[view.name] = rows
                await asyncio.sleep(PAUSE_S)
        raise ViewInUse(view.name)


def _session_id(view: View, stream: UUID, doc: str) -> str:
    try:
        return view.session_id(StreamId(stream), msgspec.json.decode(doc, type=view.state))
    except msgspec.MsgspecError:
        return str(stream)


def _positions(ends: Sequence[Head]) -> Positions:
    return {end.partition: end.position for end in ends}


def named(names: Sequence[str]) -> list[View]:
    """The views of the given names, all views for no name. Raises KeyError for an unknown one."""
    by_name = {view.name: view for view in catalog.VIEWS}
    return [by_name[name] for name in dict.fromkeys(names)] if names else list(by_name.values())
