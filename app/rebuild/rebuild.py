"""`rebuild`: folds the log into fresh tables beside the live ones, then swaps them in.

Appends wait only for the swap, which folds the last few events. All events before these are folded
beside the appends. The tables that were live are kept, for the way back.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct, field

from app.database import versions
from app.database.sql import blocks
from app.history.streams import Progress
from app.log.keyring import Keyring
from app.log.read import Head, heads
from app.maintenance.store import Connection
from app.rebuild import jobs, pieces, runs, tables
from app.rebuild.catch_up import CatchUp, Positions
from app.rebuild.dependants import require_independence
from app.rebuild.pieces import BEFORE_ALL, Place
from app.rebuild.runs import RebuildStopped, Run
from app.rebuild.swap import alone, swap
from domain.ids import StreamId, partition_of
from projections import catalog
from projections.catalog import CURRENT
from projections.view import View

SQL = blocks(__file__)
T = TypeVar("T")
SAMPLES = 5
"""Differing streams that are named for each view."""


class RebuildSpoilt(Exception):
    """A fresh table differs from the folded rows: somebody else wrote to it."""

    def __init__(self, name: str, rows: int, folded: int) -> None:
        """`rows`: the rows in the table; `folded`: the rows written to it."""
        super().__init__(f"the fresh {name} has {rows} rows where the log gives {folded}")


class Options(Struct, frozen=True):
    """How to rebuild."""

    jobs: int = 1
    """Processes that read, fold and write."""
    dry_run: bool = False
    """Whether to stop after the comparison."""
    wish: UUID | None = None
    """The id of the recorded rebuild that this is; None: it is recorded by this."""
    tell: Callable[[str], None] = lambda _: None
    """Called with sentences for the operator while the work goes on."""
    stand_for: Callable[[str], None] = lambda _: None
    """Called with the positions that the folded rows stand for."""


class Rebuilt(Struct, frozen=True):
    """The result of a rebuild."""

    events: dict[str, int]
    """The number of events in the log when each view was swapped in; in a dry run, compared."""
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
    samples: dict[str, list[str]] = {}
    """Some streams whose rows were wrong, for each view that has any."""
    seconds: dict[str, float] = field(default_factory=dict)
    """What the time went to: reading, opening, decoding, folding and encoding are summed over all
    workers, and go on beside the writing."""


async def rebuild(
    store: Connection,
    keyring: Keyring,
    views: Sequence[View],
    progress: Progress,
    options: Options | None = None,
) -> Rebuilt:
    """Rebuild views from the log; each shows the log's end at the moment when it is swapped in.

    It goes on where one of the same views was broken off. A stream that cannot be folded keeps the
    rows that it has. Raises ViewDependedOn, RebuildUnderWay, RebuildSpoilt or RebuildStopped, and
    then leaves the live views unchanged. ViewInUse leaves one view and those after it unchanged. So
    does ViewDependedOn if the dependant was made during the work.
    """
    for view in views:
        await require_independence(store.raw, view)
    async with alone(store):
        work = _Run(store, keyring, views, progress, options or Options())
        try:
            return await work.run()
        except RebuildStopped as stopped:
            await work.stop(stopped)
            raise
        except Exception as error:
            await work.fail(error)
            raise


class _Run:
    """One rebuild."""

    def __init__(
        self,
        store: Connection,
        keyring: Keyring,
        views: Sequence[View],
        progress: Progress,
        options: Options,
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._views = {view.name: view for view in views}
        self._progress = progress
        self._options = options
        self._catch = CatchUp(store, keyring, self._views, 1)
        self._seconds: dict[str, float] = {}
        self._samples: dict[str, list[str]] = {}
        self._partitions = 0
        self._run: Run | None = None

    async def run(self) -> Rebuilt:
        connection, names = self._store.raw, self._views.keys()
        await runs.write_lazily(connection)
        reached = await self._scan(await heads(self._store))
        await self._enter("running", "catch up")
        reached = await self._timed("catch up", self._catch.in_rounds(names, reached))
        await self._enter("comparing", "index")
        await self._timed("index", self._index())
        await self._enter("comparing", "compare")
        mended, reached = await self._timed("compare", self._compare(reached))
        events = dict.fromkeys(names, sum(reached.values()))
        if not self._options.dry_run:
            await self._enter("ready", "swap")
            began = time.perf_counter()
            for name, view in self._views.items():
                events[name] = await self._swap(view, reached)
            self._seconds["swap"] = time.perf_counter() - began
        rebuilt = await self._rebuilt(events, mended)
        await self._drop_fresh()
        await self._end("ready" if self._options.dry_run else "live", rebuilt)
        return rebuilt

    async def stop(self, stopped: RebuildStopped) -> None:
        """Keep what was done for the next one, or drop it."""
        if stopped.asked == "cancel":
            await self._drop_fresh()
        await self._end("cancelled" if stopped.asked == "cancel" else "waiting")

    async def fail(self, error: Exception) -> None:
        """Drop what was done: the next one begins anew. Not without a connection."""
        if self._store.raw.is_closed():
            return
        await self._drop_fresh()
        await self._end("failed", failure=error)

    async def _end(
        self, state: str, outcome: Rebuilt | None = None, failure: Exception | None = None
    ) -> None:
        """Keep the last state; it and all that was done are on the disk then."""
        await runs.write_durably(self._store.raw)
        rebuild = self._options.wish if self._run is None else self._run.id
        await runs.end(self._store.raw, rebuild, state, outcome, failure)

    async def _drop_fresh(self) -> None:
        for view in self._views.values():
            await tables.drop_fresh(self._store.raw, view)

    async def _scan(self, ends: Sequence[Head]) -> Positions:
        """Fold all streams in ranges, or those that a broken-off rebuild had left."""
        self._partitions = len(ends)
        self._catch = CatchUp(self._store, self._keyring, self._views, len(ends))
        done, resumed = await self._begin(ends)
        self._options.stand_for(", ".join(f"{each.partition}:{each.until}" for each in done))
        folded, total = sum(each.events for each in done), sum(each.until for each in done)

        def advance(events: int) -> None:
            nonlocal folded
            folded += events
            self._progress(folded, total)

        assert self._run is not None
        work = jobs.Scan(self._store, self._keyring, self._views, self._run)
        report = await self._timed("scan", jobs.scan(work, self._options.jobs, advance))
        if report.spent is not None:
            self._seconds |= msgspec.structs.asdict(report.spent)
        self._catch.rows = await self._catch.count() if resumed else report.rows
        found = await runs.findings(self._store.raw, self._run, damaged=True)
        self._catch.damaged = dict(found)
        await self._catch.keep_damaged([stream for stream, _ in found])
        return {each.partition: each.until for each in done}

    async def _begin(self, ends: Sequence[Head]) -> tuple[list[runs.Done], bool]:
        connection, dry_run, wish = self._store.raw, self._options.dry_run, self._options.wish
        for view in self._views.values():
            await tables.put_former_back(connection, view)
        names = list(self._views)
        self._run, done = await runs.resume(connection, names, ends, dry_run=dry_run, wish=wish)
        if self._run is not None:
            for each in done:
                self._options.tell(f"resumed at position {each}")
            await self._enter("running", "scan")
            return done, True
        for view in catalog.VIEWS:  # also those of another rebuild that was broken off
            await tables.drop_fresh(connection, view)
        for view in self._views.values():
            await tables.make_fresh(connection, view)
        self._run = await runs.begin(connection, names, ends, dry_run=dry_run, wish=wish)
        await self._enter("running", "scan")
        return [runs.Done(end.partition, end.position, 0) for end in ends], False

    async def _enter(self, state: str, phase: str | None) -> None:
        assert self._run is not None
        await runs.enter(self._store.raw, self._run, state, phase)

    async def _index(self) -> None:
        for view in self._views.values():
            await tables.make_indexes(self._store.raw, view)
            await self._store.raw.execute(tables.sql(SQL["analyze"], view))

    async def _compare(self, reached: Positions) -> tuple[dict[str, int], Positions]:
        """The number of rows that differ from the live views, and the positions of the fresh ones.

        The counts are exact, and nobody waits for them: in a snapshot, the live views are at its
        heads, and the fresh ones are brought there. Rows that were equal when they were written and
        whose streams have not moved since are not compared again: damage done between that and the
        swap is mended without being counted. Raises RebuildSpoilt.
        """
        connection, mended = self._store.raw, dict.fromkeys(self._views, 0)
        for name, rows in (await self._catch.count()).items():
            if rows != self._catch.rows[name]:
                raise RebuildSpoilt(name, rows, self._catch.rows[name])
        awaited = await versions.awaited(connection.fetch)  # nothing is there to compare with
        for name, view in self._views.items():
            await pieces.doubt_beyond(connection, view, self._partitions)
            piece: Place | None = None if view in awaited else BEFORE_ALL
            while piece is not None:
                look = partial(pieces.differing, connection, view, piece)
                reached, (found, piece) = await self._catch.at_heads(self._views, reached, look)
                mended[name] += len(found)
                self._sample(name, found)
        return mended, reached

    def _sample(self, name: str, found: Sequence[UUID]) -> None:
        sample = self._samples.setdefault(name, []) if found else []
        sample += map(str, found[: SAMPLES - len(sample)])

    async def _swap(self, view: View, reached: Positions) -> int:
        return await swap(self._store, self._catch, view, reached)

    async def _rebuilt(self, events: dict[str, int], mended: dict[str, int]) -> Rebuilt:
        assert self._run is not None
        passed = await runs.findings(self._store.raw, self._run, damaged=False)
        damaged = [await self._named(*each) for each in self._catch.damaged.items()]
        words, rows = [what for _, what in passed], dict(self._catch.rows)
        return Rebuilt(events, rows, mended, words, damaged, self._samples, self._seconds)

    async def _named(self, stream: UUID, why: str) -> str:
        """The session and the reason, in words."""
        for view in CURRENT.values():
            statement = tables.sql(SQL["doc"], view)
            partition = partition_of(StreamId(stream), self._partitions)
            for (doc,) in await self._store.ask(statement, partition, stream):
                return f"{view.kind} {_session_id(view, stream, doc)}: {why}"
        return why

    async def _timed(self, what: str, work: Awaitable[T]) -> T:
        began = time.perf_counter()
        try:
            return await work
        finally:
            self._seconds[what] = time.perf_counter() - began


def _session_id(view: View, stream: UUID, doc: str) -> str:
    try:
        return view.session_id(StreamId(stream), msgspec.json.decode(doc, type=view.state))
    except msgspec.MsgspecError:
        return str(stream)


def named(names: Sequence[str]) -> list[View]:
    """The views of the given names, all views for no name. Raises KeyError for an unknown one."""
    by_name = {view.projection: view for view in catalog.VIEWS}
    by_name |= {view.name: view for view in catalog.VIEWS}
    return [by_name[name] for name in dict.fromkeys(names)] if names else list(catalog.VIEWS)
