"""`verify`: the log has no hole, and every view's row is what the log folds to.

What the log itself says is taken as it is: who may write to its tables can change it unnoticed.
"""

from collections.abc import AsyncIterator, Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from app.log.keyring import Keyring
from app.log.read import heads
from app.ops.store import Connection
from app.ops.streams import Damaged, Progress, Stray, folded_streams
from app.sql import blocks
from projections.catalog import VIEWS
from projections.fold import Folded
from projections.view import ENVELOPE, View

SQL = blocks(__file__)
MOST_DIFFERENCES = 100
"""After so many the rest is not looked for."""
_ROWS_AT_A_TIME = 2_000


async def verify(store: Connection, keyring: Keyring, progress: Progress) -> list[str]:
    """What is wrong, in sentences; empty when nothing is. Sees one moment of a live log.

    Waits for a rebuild that is under way: who opens a table that was swapped in after the moment
    does not see its rows.
    """
    await store.raw.execute(SQL["begin"])
    try:
        return await _differences(store, keyring, progress)
    finally:
        if not store.raw.is_closed():
            await store.raw.execute(SQL["end"])


async def _differences(store: Connection, keyring: Keyring, progress: Progress) -> list[str]:
    async with store.raw.transaction(isolation="repeatable_read", readonly=True):
        differences = await _holes(store)
        async for difference in _differing_rows(store, keyring, progress):
            differences.append(difference)
            if len(differences) >= MOST_DIFFERENCES:
                differences.append("There may be more: stopped looking")
                break
    return differences


async def _holes(store: Connection) -> list[str]:
    gaps = [
        f"Partition {row['partition']}: the head is at {row['head']}, but there are "
        f"{row['events']} events, the last at {row['last']}"
        for row in await store.ask(SQL["gaps"])
    ]
    backwards = [
        f"Position {row['partition']}:{row['notification_id']} is earlier than the one before it"
        for row in await store.ask(SQL["backwards"])
    ]
    strays = [
        f"There are {row['events']} events in partition {row['partition']}, which has no head"
        for row in await store.ask(SQL["strays"])
    ]
    return gaps + backwards + strays


async def _differing_rows(
    store: Connection, keyring: Keyring, progress: Progress
) -> AsyncIterator[str]:
    ends = await heads(store)
    total, done = sum(head.position for head in ends), 0
    for head in ends:
        damaged: set[UUID] = set()
        rows = {view.name: _Rows(store, view, head.partition, damaged) for view in VIEWS.values()}
        async for page, events in folded_streams(store, keyring, head):
            for found in page:
                if isinstance(found, Stray):
                    yield f"The log has what does not belong there: {found}"
                    continue
                if isinstance(found, Damaged):
                    damaged.add(found.stream)
                    yield f"The log cannot be folded: {found}"
                    continue
                view, folded = found
                async for difference in rows[view.name].compare(folded):
                    yield difference
            done += events
            progress(done, total)
        for view_rows in rows.values():
            async for difference in view_rows.rest():
                yield difference
    for view in VIEWS.values():
        statement = SQL["stray_rows"].format(view=view.name)
        for row in await store.ask(statement):
            yield f"{view.name}: {row['rows']} rows in partition {row['partition']}, without a head"


class _Rows:
    """A view's rows in the order of their streams, to walk along with the folded ones.

    Rows of `damaged` streams are passed over: there is nothing to compare them with.
    """

    def __init__(
        self, store: Connection, view: View, partition: int, damaged: Collection[UUID]
    ) -> None:
        self._view = view
        self._damaged = damaged
        self._decoder = msgspec.json.Decoder(view.state)
        self._rows = store.raw.cursor(
            SQL["rows"].format(view=view.name), partition, prefetch=_ROWS_AT_A_TIME
        )
        self._iterator: Any = None
        self._next: Any = None

    async def compare(self, folded: Folded[Any]) -> AsyncIterator[str]:
        row = await self._peek()
        while row is not None and row["stream_id"] < folded.stream:
            if row["stream_id"] not in self._damaged:
                yield self._stray(row)
            row = await self._advance()
        here = row is not None and row["stream_id"] == folded.stream
        wanted = self._view.row(folded)
        if wanted is None:
            if here:
                yield f"{self._view.name}: a row for stream {folded.stream}, which was deleted"
        elif not here:
            yield f"{self._view.name}: no row for stream {folded.stream}"
        elif difference := self._difference(row, wanted):
            yield f"{self._view.name}: stream {folded.stream}: {difference}"
        if here:
            await self._advance()

    async def rest(self) -> AsyncIterator[str]:
        row = await self._peek()
        while row is not None:
            if row["stream_id"] not in self._damaged:
                yield self._stray(row)
            row = await self._advance()

    def _stray(self, row: Any) -> str:  # noqa: ANN401
        return f"{self._view.name}: a row for stream {row['stream_id']}, which has no events"

    def _difference(self, row: Any, wanted: tuple[Any, ...]) -> str:  # noqa: ANN401
        told = [
            f"{name} is {_plain(found)}, the log says {_plain(expected)}"
            for name, found, expected in zip(ENVELOPE, row, wanted, strict=True)
            if name != "doc" and found != expected
        ]
        found, expected = row["doc"], wanted[-1]
        try:
            self._decoder.decode(found)
        except msgspec.MsgspecError as error:
            return "; ".join([*told, f"the row's document cannot be read: {error}"])
        if changed := _changed(msgspec.json.decode(found), msgspec.json.decode(expected)):
            # Names only: what differs may be somebody's personal data.
            told.append(f"the row differs in {', '.join(changed)}")
        return "; ".join(told)

    async def _peek(self) -> Any:  # noqa: ANN401
        if self._iterator is None:
            self._iterator = aiter(self._rows)
            await self._advance()
        return self._next

    async def _advance(self) -> Any:  # noqa: ANN401
        self._next = await anext(self._iterator, None)
        return self._next


def _changed(found: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """The names that two documents do not have alike, or that only one has."""
    return [
        name
        for name in {**expected, **found}
        if name not in found or name not in expected or found[name] != expected[name]
    ]


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
