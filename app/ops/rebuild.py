"""`rebuild`: folds the log into fresh tables beside the live ones, then swaps them in.

Appends wait only for the swap: it takes up what was appended since the scan began.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import asyncpg
from msgspec import Struct

from app.log.keyring import Keyring
from app.log.read import Head, heads, read_feed, read_streams
from app.ops.store import Connection
from app.ops.streams import FoldedStream, folded_streams
from app.sql import blocks
from domain.ids import StreamId
from projections.catalog import VIEWS, view_of
from projections.fold import Folded, fold
from projections.view import View

SQL = blocks(__file__)
COLUMNS = (
    "partition", "stream_id", "version", "position",
    "created_by", "created_at", "modified_by", "modified_at", "doc",
)  # fmt: skip
LOCK_WAIT = "5s"
"""How long the swap waits for readers before it gives up and leaves the live views."""

Progress = Callable[[int, int], None]
"""Called with the events done so far and the events there are."""


class Rebuilt(Struct, frozen=True):
    """What a rebuild did."""

    events: int
    rows: dict[str, int]


async def rebuild(
    store: Connection, keyring: Keyring, views: Sequence[View], progress: Progress
) -> Rebuilt:
    """Rebuild views from the log; they are those of the log's end when it returns.

    Raises Unreadable or BrokenStream, and then leaves the live views as they were.
    """
    started = await heads(store)
    total = sum(head.position for head in started)
    wanted = {view.name for view in views}
    for view in views:
        await _make_fresh(store.raw, view)
    done = 0
    rows = dict.fromkeys(wanted, 0)
    for head in started:
        async for page, events in folded_streams(store, keyring, head):
            for name, records in _by_view(page, wanted).items():
                await _copy(store.raw, name, records)
                rows[name] += len(records)
            done += events
            progress(done, total)
    await _swap(store, keyring, views, started)
    return Rebuilt(done, rows)


async def _make_fresh(connection: asyncpg.Connection, view: View) -> None:
    async with connection.transaction():
        await connection.execute(f"DROP TABLE IF EXISTS {view.name}_new")
        await connection.execute(f"CREATE TABLE {view.name}_new (LIKE {view.name} INCLUDING ALL)")
        for row in await connection.fetch(SQL["grants"], view.name):
            await connection.execute(f'GRANT SELECT ON {view.name}_new TO "{row["grantee"]}"')


def _by_view(page: Iterable[FoldedStream], wanted: set[str]) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = {}
    for view, folded in page:
        if view.name in wanted and (record := _record(view, folded)) is not None:
            found.setdefault(view.name, []).append(record)
    return found


def _record(view: View, folded: Folded[Any]) -> tuple[Any, ...] | None:
    doc = view.doc(folded.state)
    if doc is None:
        return None
    audit = folded.audit
    return (
        folded.partition, folded.stream, folded.version, folded.position,
        audit.created_by, audit.created_at, audit.modified_by, audit.modified_at, doc,
    )  # fmt: skip


async def _copy(
    connection: asyncpg.Connection, name: str, records: Sequence[tuple[Any, ...]]
) -> None:
    await connection.copy_records_to_table(f"{name}_new", records=records, columns=COLUMNS)


async def _swap(
    store: Connection, keyring: Keyring, views: Sequence[View], started: Sequence[Head]
) -> None:
    connection = store.raw
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")
        ends = [Head(*row) for row in await connection.fetch(SQL["lock_heads"])]
        for before, end in zip(started, ends, strict=True):
            await _catch_up(store, keyring, {view.name for view in views}, before, end)
        for view in views:
            await connection.execute(f"DROP TABLE {view.name}")
            await connection.execute(f"ALTER TABLE {view.name}_new RENAME TO {view.name}")
            for row in await connection.fetch(SQL["indexes"], view.name):
                name = row["indexname"]
                plain = name.replace(f"{view.name}_new", view.name, 1)
                await connection.execute(f'ALTER INDEX "{name}" RENAME TO "{plain}"')


async def _catch_up(
    store: Connection, keyring: Keyring, wanted: set[str], before: Head, end: Head
) -> None:
    """Fold anew the streams that moved while the scan ran."""
    moved: dict[StreamId, View] = {}
    async for page in read_feed(
        store, keyring, end.partition, after=before.position, until=end.position
    ):
        moved |= {recorded.stream: view_of(recorded.event) for recorded in page}
    for stream, view in moved.items():
        if view.name not in wanted:
            continue
        (past,) = await read_streams(store, keyring, [(end.partition, stream)])
        folded: Folded[Any] | None = None
        for recorded in past.events if past is not None else ():
            folded = fold(view.evolve, folded, recorded)
        await store.raw.execute(
            f"DELETE FROM {view.name}_new WHERE partition = $1 AND stream_id = $2",  # noqa: S608  # a view's own name
            end.partition,
            stream,
        )
        record = None if folded is None else _record(view, folded)
        if record is not None:
            await _copy(store.raw, view.name, [record])


def named(names: Sequence[str]) -> list[View]:
    """The views of those names, all of them for none. Raises KeyError for an unknown one."""
    by_name = {view.name: view for view in VIEWS.values()}
    return [by_name[name] for name in names] if names else list(by_name.values())
