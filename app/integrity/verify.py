"""`verify`: the log has no holes, and every row of a view equals the fold of the log.

So does the version of each row that lasts in its history, and the versions before it follow one
another without a gap. The log is taken as true; `authenticity` compares it with what was signed.
"""

from collections import deque
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from app.database.sql import blocks
from app.history.streams import Damaged, Found, Progress, Stray, folded_pages
from app.integrity.positions import Largest, sequences_behind, wrong_positions
from app.log import read
from app.log.errors import UnreadableEvent
from app.log.keyring import Keyring
from app.log.read import FIRST_STREAM, LAST_VERSION, heads, recorded_by_stream
from app.maintenance.recovery import again_after_conflict
from app.maintenance.store import Connection
from app.maintenance.swaps import without_swaps
from projections import catalog
from projections.fold import Folded, Recorded
from projections.sealing import Seal
from projections.view import ENVELOPE, View

SQL = blocks(__file__)
MAX_DIFFERENCES = 100
"""After this many differences, the search stops."""
LAST_STREAM = UUID(int=2**128 - 1)


PARTS = frozenset({"log", "views"})


async def verify(
    store: Connection, keyring: Keyring, progress: Progress, parts: Collection[str] = PARTS
) -> list[str]:
    """All differences of log and views, or of one of them; empty if there are none.

    It works beside live traffic, in short snapshots, and waits for a running rebuild: a snapshot
    does not see a table that was swapped in after it. (A long one would slow down all writers.)
    """
    differences: list[str] = []
    async with without_swaps(store):
        async for difference in _differences(store, keyring, progress, parts):
            differences.append(difference)
            if len(differences) >= MAX_DIFFERENCES:
                return [*differences, "There may be more: stopped looking"]
    return differences


async def _differences(
    store: Connection, keyring: Keyring, progress: Progress, parts: Collection[str]
) -> AsyncIterator[str]:
    ends = await heads(store)
    async for difference in wrong_positions(store, ends if "log" in parts else ()):
        yield difference
    if "views" not in parts:
        return
    total, done = sum(head.position for head in ends), 0
    largest = Largest()
    for head in ends:
        partition = _Partition(store, keyring, head.partition, largest)
        async for found, events in partition.differences():
            if found is not None:
                yield found
            done += events
            progress(min(done, total), total)
    for view in catalog.VIEWS:
        statement = SQL["stray_rows"].format(view=view.name)
        for row in await store.ask(statement):
            yield f"{view.name}: {row['rows']} rows in partition {row['partition']}, without a head"
    for difference in await sequences_behind(store, largest.numbers):
        yield difference


class _Partition:
    """One partition's streams, and their rows in the views.

    Each page of events is read in one snapshot with the rows of the streams that end in it. These
    begin with the last stream of the page before, which may have got more events. They stop before
    the page's own last stream, of which more events may follow.
    """

    def __init__(
        self, store: Connection, keyring: Keyring, partition: int, largest: Largest
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._partition = partition
        self._largest = largest
        self._damaged: set[UUID] = set()
        seal = keyring.seal_in_view
        self._rows = {view.name: _Rows(view, self._damaged, seal) for view in catalog.VIEWS}
        self._histories = {
            view.name: _Rows(view, self._damaged, seal, of_history=True) for view in catalog.VIEWS
        }
        self._followed = LAST_VERSION
        """Histories are compared up to this position: a follower takes up what comes after."""
        self._broken: list[str] = []

    async def differences(self) -> AsyncIterator[tuple[str | None, int]]:
        """Differences, each with the number of events examined since the one before."""
        async for page, events in folded_pages(self._pages()):
            for found in page:
                for difference in self._compared(found):
                    yield difference, 0
            for broken in self._broken:
                yield broken, 0
            self._broken = []
            yield None, events
        for rows in (*self._rows.values(), *self._histories.values()):
            for difference in rows.rest():
                yield difference, 0

    def _compared(self, found: Found) -> Iterator[str]:
        if isinstance(found, Stray):
            yield f"The log has what does not belong there: {found}"
            return
        if isinstance(found, Damaged):
            self._damaged.add(found.stream)
            yield f"The log cannot be folded: {found}"
            return
        current, folded = found
        for view in catalog.of_kind(current.kind):
            yield from self._rows[view.name].compare(folded)
            is_followed = folded.position <= self._followed
            yield from self._histories[view.name].compare(folded, passes=not is_followed)

    async def _pages(self) -> AsyncIterator[Sequence[Recorded | UnreadableEvent]]:
        stream, version = FIRST_STREAM, 0
        more = True
        while more:
            look = partial(self._page, stream, version)
            events, found = await again_after_conflict(self._store.raw, look)
            more = len(events) == read.PAGE_EVENTS
            tables = (*self._rows.values(), *self._histories.values())
            for rows, those in zip(tables, found, strict=True):
                rows.take_up(those)
            page = recorded_by_stream(self._keyring, events)
            for event in page:
                if isinstance(event, Recorded):
                    self._largest.see(event.event)
            yield page
            if events:
                stream, version = events[-1]["originator_id"], events[-1]["originator_version"]

    async def _page(
        self, stream: UUID, version: int
    ) -> tuple[Sequence[asyncpg.Record], list[list[asyncpg.Record]]]:
        """The events after a version of a stream, and the rows of each view, in one snapshot."""
        async with self._store.raw.transaction(isolation="repeatable_read", readonly=True):
            events = await self._store.ask(
                read.SQL["read_by_stream"],
                self._partition, stream, version, LAST_VERSION, read.PAGE_EVENTS,
            )  # fmt: skip
            more = len(events) == read.PAGE_EVENTS
            last = events[-1]["originator_id"] if more else LAST_STREAM
            streams = len({row["originator_id"] for row in events})
            ((followed,),) = await self._store.ask(
                SQL["followed"], self._partition, list(self._rows)
            )
            # (It goes back to 0 when the histories are made again.)
            self._followed = min(self._followed, followed)
            self._broken = [
                difference
                for rows in self._histories.values()
                for difference in await rows.broken(self._store, self._partition, stream, last)
            ]
            return events, [
                await rows.read(self._store, self._partition, stream, last, streams)
                for rows in (*self._rows.values(), *self._histories.values())
            ]


class _Rows:
    """A view's rows in the order of their streams, compared side by side with the folded streams.

    Of a history, these are the versions that last. Rows of `damaged` streams are passed over, since
    nothing can be compared with them.
    """

    def __init__(
        self, view: View, damaged: Collection[UUID], seal: Seal, *, of_history: bool = False
    ) -> None:
        self._view = view
        self._name = view.history if of_history else view.name
        self._sql = (
            SQL["open_rows"].format(history=view.history)
            if of_history
            else SQL["rows"].format(view=view.name)
        )
        self._seal = seal
        self._damaged = damaged
        self._decoder = msgspec.json.Decoder(view.state)
        self._rows: deque[asyncpg.Record] = deque()

    async def read(
        self, store: Connection, partition: int, since: UUID, last: UUID, streams: int
    ) -> list[asyncpg.Record]:
        """The rows from one stream up to another, without the latter's unless it is the largest.

        `streams`: the number of streams in the page. If so many more rows exist that some are cut
        off, the rows without a stream already reach MAX_DIFFERENCES.
        """
        most = streams + MAX_DIFFERENCES + 2
        found = await store.ask(self._sql, partition, since, last, most)
        return [row for row in found if row["stream_id"] < last or last == LAST_STREAM]

    async def broken(self, store: Connection, partition: int, since: UUID, last: UUID) -> list[str]:
        """The streams whose versions do not follow one another in a history."""
        statement = SQL["broken_chains"].format(history=self._view.history)
        found = await store.ask(statement, partition, since, last, MAX_DIFFERENCES)
        return [
            f"{self._name}: stream {row['stream_id']}: {_broken(row)}"
            for row in found
            if row["stream_id"] < last or last == LAST_STREAM
        ]

    def take_up(self, rows: Sequence[asyncpg.Record]) -> None:
        """Add rows to compare."""
        self._rows += rows

    def compare(self, folded: Folded[Any], *, passes: bool = False) -> Iterator[str]:
        """The differences of the rows up to a stream's; `passes`: whatever its own row has."""
        while self._rows and self._rows[0]["stream_id"] < folded.stream:
            yield from self._stray(self._rows.popleft())
        here = bool(self._rows) and self._rows[0]["stream_id"] == folded.stream
        row = self._rows.popleft() if here else None
        if passes:
            return
        wanted = self._view.row(folded, self._seal)
        if wanted is None:
            if here:
                yield f"{self._name}: a row for stream {folded.stream}, which was deleted"
        elif row is None:
            yield f"{self._name}: no row for stream {folded.stream}"
        elif difference := self._difference(row, wanted):
            yield f"{self._name}: stream {folded.stream}: {difference}"

    def rest(self) -> Iterator[str]:
        """The differences of the rows after the last stream."""
        for row in self._rows:
            yield from self._stray(row)

    def _stray(self, row: asyncpg.Record) -> Iterator[str]:
        if row["stream_id"] not in self._damaged:
            yield f"{self._name}: a row for stream {row['stream_id']}, which has no events"

    def _difference(self, row: asyncpg.Record, wanted: tuple[Any, ...]) -> str:
        told = [
            f"{name} is {_plain(found)}, the log says {_plain(expected)}"
            for name, found, expected in zip(ENVELOPE[:-1], row, wanted, strict=False)
            if found != expected
        ]
        found, expected = row["doc"], wanted[-2]
        try:
            self._decoder.decode(found)
        except msgspec.MsgspecError as error:
            return "; ".join([*told, f"the row's document cannot be read: {error}"])
        changed = _changed(msgspec.json.decode(found), msgspec.json.decode(expected))
        if msgspec.json.decode(row["search"] or "{}") != msgspec.json.decode(wanted[-1] or "{}"):
            changed.append("search")
        if changed:
            # Only names are given: the differing values may be somebody's personal data.
            told.append(f"the row differs in {', '.join(changed)}")
        return "; ".join(told)


def _broken(row: asyncpg.Record) -> str:
    """What is wrong with a version among those of its stream."""
    version, position, until = row["version"], row["position"], row["until"]
    if version != row["number"]:
        return f"version {version} is in the place of version {row['number']}"
    if until <= position:
        return f"version {version} begins at position {position} and ends at {until}"
    then = f"version {row['next_version']} begins at {row['next_position']}"
    return f"version {version} ends at position {until}, and {then}"


def _changed(found: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """The names whose values differ between two documents, or that only one has."""
    return [
        name
        for name in {**expected, **found}
        if name not in found or name not in expected or found[name] != expected[name]
    ]


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
