"""Folds ranges of streams into the fresh tables: one worker of a rebuild.

Three things go on at once: the next page is read, this one is folded, and the one before is written
and compared. The rows of a page and how far the range is are one transaction, from which another
process can go on.
"""

import asyncio
import gc
import time
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import suppress
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import Struct, field

from app.database.sql import blocks
from app.history.streams import Damaged, FoldedStream, Stray, folded_pages, undamaged
from app.log.keyring import Keyring
from app.log.read import recorded_by_stream
from app.maintenance.store import Connection
from app.rebuild import pieces, runs, tables
from app.rebuild.image import Images, copied, image_of
from app.rebuild.page import ByKind, Spent, Unsound, folded_page
from app.rebuild.runs import Range, Run
from projections.view import WRITTEN, View

SQL = blocks(__file__)
PAGE_EVENTS = 8_000
"""Events that are read at a time: bounds the memory, and the work that a crash undoes."""
SLICE_STREAMS = 50
"""Streams that are folded before the event loop looks at the connections again."""
_COLLECT_RARELY = 100_000

Findings = list[tuple[UUID, str, bool]]
"""What was found in a page: stream, words, whether it is damaged."""
Advance = Callable[[int], None]
"""Called with the number of events that were folded."""


class Page(Struct, frozen=True):
    """What a statement returned: whole streams, up to one of them."""

    rows: Sequence[asyncpg.Record]
    after: UUID
    upto: UUID
    known: str | None
    """The last erasure when it was read."""
    sound: bool = True


class Worker(Struct):
    """Folds ranges with two connections of its own."""

    reads: Connection
    writes: Connection
    keyring: Keyring
    views: Mapping[str, View]
    run: Run
    advance: Advance
    spent: Spent
    rows: dict[str, int]
    """The number of rows that were written, by view."""
    _found: Findings = []
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def work(self) -> None:
        """Fold ranges until none is left. Raises Overtaken or RebuildStopped."""
        for connection in (self.reads.raw, self.writes.raw):
            await runs.write_lazily(connection)
            await pieces.range_plans(connection)
        gc.freeze()
        threshold = gc.get_threshold()
        gc.set_threshold(_COLLECT_RARELY)
        try:
            await self._fold()
        finally:
            gc.set_threshold(*threshold)
            gc.unfreeze()

    async def _fold(self) -> None:
        written: asyncio.Task[None] | None = None
        pages = self._pages()
        try:
            async for given, page in pages:
                folded, events = await self._folded(given, page)
                if written is not None:
                    await written
                found, self._found = self._found, []
                written = asyncio.create_task(self._write(given, page, folded, found, events))
            if written is not None:
                await written
        finally:
            await pages.aclose()
            if written is not None:
                await _ended(written)

    async def _pages(self) -> AsyncGenerator[tuple[Range, Page], None]:
        """The pages of ranges until none is left; the next is asked for before one is folded."""
        reading = asyncio.create_task(self._next(None))
        try:
            while True:
                began = time.perf_counter()
                got = await reading
                self.spent.read += time.perf_counter() - began
                if got is None:
                    return
                reading = asyncio.create_task(self._next(got))
                yield got
        finally:
            await _ended(reading)

    async def _next(self, got: tuple[Range, Page] | None) -> tuple[Range, Page] | None:
        """The page after another one, in its range or in a newly claimed one."""
        if got is not None and got[1].upto < got[0].last:
            return got[0], await self._page(got[0], got[1].upto)
        async with self._reading:
            given = await runs.claim(self.reads.raw, self.run)
        return None if given is None else (given, await self._page(given, given.reached))

    async def _page(self, given: Range, after: UUID) -> Page:
        place = (given.partition, after, given.last, given.until, PAGE_EVENTS)
        async with self._reading:
            known = await tables.last_erasure(self.reads.raw)
        rows = await self._read("page", *place)
        if sum(row["events"] for row in rows) < PAGE_EVENTS:
            return Page(rows, after, given.last, known)
        if len(rows) == 1:  # it may have more events than a page
            return Page(rows, after, rows[0]["originator_id"], known, sound=False)
        return Page(rows[:-1], after, rows[-2]["originator_id"], known)

    async def _read(self, statement: str, *arguments: object) -> Sequence[asyncpg.Record]:
        async with self._reading:  # the next page may be under way
            return await self.reads.ask(SQL[statement], *arguments)

    async def _folded(self, given: Range, page: Page) -> tuple[Images, int]:
        found: Images = {}
        if not page.sound:
            return found, await self._carefully(given, page, {page.upto}, found)
        views = by_kind(self.views.values())
        unsound = set[UUID]()
        for start in range(0, len(page.rows), SLICE_STREAMS):
            part = page.rows[start : start + SLICE_STREAMS]
            if not self._add(found, views, given.partition, part):
                unsound |= {
                    row["originator_id"]
                    for row in part
                    if not self._add(found, views, given.partition, [row])
                }
            await asyncio.sleep(0)
        if unsound:
            await self._carefully(given, page, unsound, found)
        return found, sum(row["events"] for row in page.rows)

    def _add(
        self, found: Images, views: ByKind, partition: int, rows: Sequence[asyncpg.Record]
    ) -> bool:
        """Add the rows that streams give; none, and False, if one of them is unsound."""
        try:
            images = folded_page(self.keyring, views, partition, rows, self.spent)
        except Unsound:
            return False
        for name, those in images.items():
            found.setdefault(name, []).extend(those)
        return True

    async def _carefully(
        self, given: Range, page: Page, streams: Collection[UUID], found: Images
    ) -> int:
        """Add the rows of a page's streams, one event at a time; what is wrong in them is kept.

        Returns the number of their events.
        """
        views = by_kind(self.views.values())
        strays: list[Stray] = []
        damaged: list[Damaged] = []
        events = 0
        async for part, count in folded_pages(self._events(given, page, streams)):
            sound = undamaged(part, strays.append, damaged.append)
            add_rows(views, self.keyring, sound, found)
            events += count
        self._found += [(stray.event.stream, str(stray), False) for stray in strays]
        self._found += [(each.stream, str(each), True) for each in damaged]
        return events

    async def _events(
        self, given: Range, page: Page, streams: Collection[UUID]
    ) -> AsyncIterator[Sequence[Any]]:
        stream, version = page.after, 2**63 - 1
        while rows := await self._read(
            "events",
            given.partition, stream, version, page.upto, given.until, PAGE_EVENTS,
        ):  # fmt: skip
            those = [row for row in rows if row["originator_id"] in streams]
            yield recorded_by_stream(self.keyring, those)
            stream, version = rows[-1]["originator_id"], rows[-1]["originator_version"]

    async def _write(
        self, given: Range, page: Page, rows: Images, found: Findings, events: int
    ) -> None:
        began = time.perf_counter()
        connection, partition = self.writes.raw, given.partition
        async with tables.filling(connection):
            for name, those in rows.items():
                await copy(connection, self.views[name], those)
            streams = [row["originator_id"] for row in page.rows]
            await tables.erase_folded(connection, partition, streams, page.known)
            views = self.views.values()
            await pieces.doubt(connection, views, partition, page.after, page.upto)
            for stream, what, damaged in found:
                at = (partition, stream)
                await runs.find(connection, self.run, *at, what, damaged=damaged)
            await runs.reach(connection, self.run, given.number, page.upto, events)
        for name, those in rows.items():
            self.rows[name] += len(those)
        self.spent.write += time.perf_counter() - began
        self.advance(events)


def add_rows(
    views: ByKind,
    keyring: Keyring,
    folded: Iterable[FoldedStream],
    found: Images | None = None,
) -> Images:
    """Add the rows that views, given by kind, have of folded streams to those found before."""
    found = {} if found is None else found
    seal = keyring.seal_in_view
    for current, stream in folded:
        for view in views.get(current.kind, ()):
            if (row := view.row(stream, seal)) is not None:
                found.setdefault(view.name, []).append(image_of(row))
    return found


def by_kind(views: Iterable[View]) -> ByKind:
    """Views by the kind of their streams."""
    found: dict[str, list[View]] = {}
    for view in views:
        found.setdefault(view.kind, []).append(view)
    return found


async def copy(connection: asyncpg.Connection, view: View, rows: Sequence[bytes]) -> None:
    """Write rows to a view's fresh table."""
    await connection.copy_to_table(
        tables.fresh(view), source=_sent(rows), columns=WRITTEN, format="binary"
    )


async def _sent(rows: Sequence[bytes]) -> AsyncIterator[bytes]:
    yield copied(rows)


async def _ended(task: "asyncio.Task[Any]") -> None:
    """Let a task end, whatever comes of it."""
    if not task.done():
        task.cancel()
    with suppress(Exception, asyncio.CancelledError):
        await task
