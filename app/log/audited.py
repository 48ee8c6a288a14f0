"""Reading the log for its auditors: events with all that is stored beside them."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from msgspec import Raw, Struct

from app.database.sql import blocks
from app.log import facts
from app.log.codec import NO_KEY
from app.log.errors import Unreadable, UnreadableEvent, unreadable_row
from app.log.keyring import Keyring
from app.log.read import SLICE_EVENTS, Asks, keys_of, recorded_if_readable
from app.log.stream_keys import StreamKeys
from domain.ids import StreamId
from projections.fold import Recorded

SQL = blocks(__file__)


class AuditedEvent(Struct, frozen=True, kw_only=True):
    """An event with everything that is stored beside it."""

    recorded: Recorded | UnreadableEvent
    """The event; the reason, if it cannot be read."""
    partition: int
    position: int
    stream: StreamId
    version: int
    topic: str
    """The stored name, which may be one of an older form."""
    event_id: UUID
    recorded_at: datetime
    actor: str
    state: bytes
    """The event as it is stored: personal fields sealed, their names readable."""
    metadata: Raw
    """JSON object: the facts of the call, opened; `facts.ERASED` or `UNREADABLE` in their place."""
    keyless: UnreadableEvent | None
    """Set if facts of the call are sealed and the stream has no key, though none was erased."""


async def read_positions(
    store: Asks, keyring: Keyring, partition: int, positions: Sequence[int]
) -> list[AuditedEvent]:
    """The events at positions of a partition, in the order of the log; missing ones are left out.

    Raises StoreDown.
    """
    return audited(keyring, await store.ask(SQL["read_positions"], partition, list(positions)))


async def read_places(
    store: Asks, keyring: Keyring, places: Sequence[tuple[int, int]]
) -> Iterator[list[AuditedEvent]]:
    """The events at places, given as (partition, position), in that order; decoded slice by slice.

    Missing ones are left out. Raises StoreDown.
    """
    partitions = [partition for partition, _ in places]
    positions = [position for _, position in places]
    return _in_slices(keyring, await store.ask(SQL["read_places"], partitions, positions))


async def read_between(
    store: Asks,
    keyring: Keyring,
    partition: int,
    *,
    after: int,
    until: int,
    most: int,
    newest_first: bool = False,
) -> list[AuditedEvent]:
    """Events of a partition after a position and up to another: the first ones, or the last.

    Raises StoreDown.
    """
    sql = SQL["read_between"].format(order="DESC" if newest_first else "ASC")
    return audited(keyring, await store.ask(sql, partition, after, until, most))


async def read_on(
    store: Asks,
    keyring: Keyring,
    partition: int,
    *,
    after: int,
    until: int,
    most: int,
    most_bytes: int,
) -> Iterator[list[AuditedEvent]]:
    """The first events of a partition after a position and up to another, decoded slice by slice.

    `most_bytes`: of the states of all events but the last. Raises StoreDown.
    """
    rows = await store.ask(SQL["read_on"], partition, after, until, most, most_bytes)
    return _in_slices(keyring, rows)


async def read_versions(
    store: Asks,
    keyring: Keyring,
    partition: int,
    stream: StreamId,
    *,
    after: int,
    until: int,
    most: int,
) -> list[AuditedEvent]:
    """Events of a stream after a version and up to another, oldest first. Raises StoreDown."""
    rows = await store.ask(SQL["read_versions"], partition, stream, after, until, most)
    return audited(keyring, rows)


async def read_pasts(
    store: Asks,
    keyring: Keyring,
    wanted: Sequence[tuple[int, StreamId, int]],
    *,
    most_bytes: int,
) -> Iterator[list[AuditedEvent]]:
    """All events of streams up to a version, each given as (partition, stream, version).

    Oldest first, stream by stream, as far as their states have `most_bytes`; decoded slice by
    slice. Raises StoreDown.
    """
    columns = [list(column) for column in zip(*wanted, strict=True)]
    return _in_slices(keyring, await store.ask(SQL["read_pasts"], *columns, most_bytes))


def _in_slices(keyring: Keyring, rows: Sequence[asyncpg.Record]) -> Iterator[list[AuditedEvent]]:
    return (
        audited(keyring, rows[start : start + SLICE_EVENTS])
        for start in range(0, len(rows), SLICE_EVENTS)
    )


def audited(keyring: Keyring, rows: Sequence[asyncpg.Record]) -> list[AuditedEvent]:
    """Events from rows with the columns of these statements."""
    boxes: dict[StreamId, StreamKeys] = {}
    return [_audited(keyring, row, boxes) for row in rows]


def _audited(
    keyring: Keyring, row: asyncpg.Record, boxes: dict[StreamId, StreamKeys]
) -> AuditedEvent:
    stream, metadata = row["originator_id"], row["metadata"].encode()
    try:
        keys = keys_of(keyring, row, boxes)
    except Unreadable:  # the key itself was altered
        keys = None
    return AuditedEvent(
        recorded=recorded_if_readable(keyring, row, boxes),
        partition=row["partition"],
        position=row["notification_id"],
        stream=stream,
        version=row["originator_version"],
        topic=row["topic"],
        event_id=row["event_id"],
        recorded_at=row["recorded_at"],
        actor=row["actor"],
        state=row["state"],
        metadata=facts.opened(metadata, stream, keys),
        keyless=unreadable_row(row, NO_KEY) if keys is None and facts.need_key(metadata) else None,
    )
