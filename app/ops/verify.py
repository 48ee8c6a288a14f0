"""`verify`: the log has no hole, and every view's row is what the log folds to."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from msgspec import Struct

from app.log.errors import Unreadable
from app.log.keyring import Keyring
from app.log.read import heads
from app.ops.store import Connection
from app.ops.streams import BrokenStream, Progress, folded_streams
from app.sql import blocks
from projections.catalog import VIEWS
from projections.fold import Audit, Folded
from projections.view import View

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
        try:
            async for difference in _differing_rows(store, keyring, progress):
                differences.append(difference)
                if len(differences) >= MOST_DIFFERENCES:
                    differences.append("There may be more: stopped looking")
                    break
        except (Unreadable, BrokenStream) as error:
            differences.append(f"The log cannot be folded: {error}")
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
        rows = {view.name: _Rows(store, view, head.partition) for view in VIEWS.values()}
        async for page, events in folded_streams(store, keyring, head):
            for view, folded in page:
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


class _Searched(Struct, frozen=True):
    search: dict[str, int] = {}


_SEARCHED = msgspec.json.Decoder(_Searched)


class _Rows:
    """A view's rows in the order of their streams, to walk along with the folded ones."""

    def __init__(self, store: Connection, view: View, partition: int) -> None:
        self._view = view
        self._decoder = msgspec.json.Decoder(view.state)
        self._rows = store.raw.cursor(
            SQL["rows"].format(view=view.name), partition, prefetch=_ROWS_AT_A_TIME
        )
        self._iterator: Any = None
        self._next: Any = None

    async def compare(self, folded: Folded[Any]) -> AsyncIterator[str]:
        row = await self._peek()
        while row is not None and row["stream_id"] < folded.stream:
            yield f"{self._view.name}: a row for stream {row['stream_id']}, which has no events"
            row = await self._advance()
        here = row is not None and row["stream_id"] == folded.stream
        if self._view.gone(folded.state):
            if here:
                yield f"{self._view.name}: a row for stream {folded.stream}, which was deleted"
        elif not here:
            yield f"{self._view.name}: no row for stream {folded.stream}"
        elif (difference := self._difference(row, folded)) is not None:
            yield f"{self._view.name}: stream {folded.stream}: {difference}"
        if here:
            await self._advance()

    async def rest(self) -> AsyncIterator[str]:
        row = await self._peek()
        while row is not None:
            yield f"{self._view.name}: a row for stream {row['stream_id']}, which has no events"
            row = await self._advance()

    def _difference(self, row: Any, folded: Folded[Any]) -> str | None:  # noqa: ANN401
        _, version, position, created_by, created_at, by, at, doc = row
        audit = Audit(created_by=created_by, created_at=created_at, modified_by=by, modified_at=at)
        if (version, position) != (folded.version, folded.position):
            return (
                f"the row is of version {version} at position {position}, "
                f"the log says {folded.version} at {folded.position}"
            )
        if audit != folded.audit:
            return f"the row says {audit}, the log {folded.audit}"
        try:
            state = self._decoder.decode(doc)
            search = _SEARCHED.decode(doc).search
        except msgspec.MsgspecError as error:
            return f"the row's document cannot be read: {error}"
        changed = [
            name
            for name in folded.state.__struct_fields__
            if getattr(state, name) != getattr(folded.state, name)
        ]
        if search != self._view.search(folded.state):
            changed.append("search")
        # Names only: what differs may be somebody's personal data.
        return f"the row differs in {', '.join(changed)}" if changed else None

    async def _peek(self) -> Any:  # noqa: ANN401
        if self._iterator is None:
            self._iterator = aiter(self._rows)
            await self._advance()
        return self._next

    async def _advance(self) -> Any:  # noqa: ANN401
        self._next = await anext(self._iterator, None)
        return self._next
