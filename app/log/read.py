"""Reading the log: streams and the feed, as recorded events with personal fields opened."""

from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import groupby
from typing import Protocol
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from app.database.sql import blocks
from app.log import codec
from app.log.errors import Unreadable, UnreadableEvent, unreadable_row
from app.log.keyring import Keyring, KeySettings
from app.log.stream_keys import StreamKeys
from domain.ids import StreamId
from projections.fold import Recorded

SQL = blocks(__file__)
PAGE_EVENTS = 5_000
"""Events per page for readers of the whole log: bounds their memory."""

STREAM_PAGE_EVENTS = 250
"""Events of one stream that a service reads at a time."""
SLICE_EVENTS = 25
"""Events that a service decodes in one go: some milliseconds, in which it does nothing else."""
LOOK_BACK_EVENTS = 5_000
"""Events of one stream that one statement searches: some milliseconds."""

FIRST_STREAM = StreamId(UUID(int=0))
LAST_VERSION = 2**63 - 1
"""Larger than any stream's version."""


class Asks(Protocol):
    """Runs queries: the service's pool, or a command's own connection."""

    async def ask(self, sql: str, *arguments: object) -> Sequence[asyncpg.Record]:
        """The rows of one statement."""


class Store(Asks, Protocol):
    """Also runs statements that write."""

    async def ask_once(self, sql: str, *arguments: object) -> Sequence[asyncpg.Record]:
        """The rows of a statement that writes, which is not sent twice."""


class Stream(Struct, frozen=True):
    """The whole past of a stream, and the box of its personal fields if it has one."""

    events: Sequence[Recorded]
    box: StreamKeys | None


class Ends(Struct, frozen=True):
    """A stream's first event and its last one up to a version: the same event if it is alone."""

    first: Recorded
    last: Recorded
    box: StreamKeys | None


class Head(Struct, frozen=True):
    """The end of a partition: the position of its last event."""

    partition: int
    position: int


class IdempotencyRecord(Struct, frozen=True):
    """The first use of an idempotency key."""

    fingerprint: bytes
    stream: StreamId
    version: int


async def read_streams(
    store: Asks, keyring: Keyring, wanted: Sequence[tuple[int, StreamId]]
) -> list[Stream | UnreadableEvent | None]:
    """The streams named as (partition, stream), in that order; None for one without events.

    Versions count from 1 without gaps. An unreadable stream yields the reason in its place, so
    that it does not fail the others. Raises StoreDown.
    """
    rows = await store.ask(
        SQL["read_streams"], [partition for partition, _ in wanted], [name for _, name in wanted]
    )
    found: dict[StreamId, Stream | UnreadableEvent] = {}
    for stream, events in groupby(rows, key=lambda row: row["originator_id"]):
        try:
            found[stream] = _stream(keyring, list(events))
        except UnreadableEvent as error:
            found[stream] = error
    return [found.get(name) for _, name in wanted]


async def read_ends(
    store: Asks, keyring: Keyring, wanted: Sequence[tuple[int, StreamId, int]]
) -> list[Ends | Unreadable | None]:
    """The ends of streams named as (partition, stream, last version), in that order.

    None for a stream without events; the reason for an unreadable one. Raises StoreDown.
    """
    partitions, streams, versions = (list(each) for each in zip(*wanted, strict=True))
    rows = await store.ask(SQL["read_ends"], partitions, streams, versions)
    found: dict[int, Ends | Unreadable] = {}
    for number, ends in groupby(rows, key=lambda row: row["number"]):
        try:
            stream = _stream(keyring, list(ends))
            found[number] = Ends(stream.events[0], stream.events[-1], stream.box)
        except Unreadable as error:
            found[number] = error
    return [found.get(number) for number in range(1, len(wanted) + 1)]


async def read_slices(
    store: Asks,
    keyring: Keyring,
    partition: int,
    stream: StreamId,
    *,
    after: int,
    until: int,
    boxes: dict[StreamId, StreamKeys],
) -> Iterator[list[Recorded]]:
    """A page of a stream's events after a version and up to another, decoded slice by slice.

    The stream's box is added to `boxes`. Raises StoreDown; the slices raise Unreadable.
    """
    rows = await store.ask(SQL["read_on"], partition, stream, after, until, STREAM_PAGE_EVENTS)
    return (
        [_recorded(keyring, row, boxes) for row in rows[start : start + SLICE_EVENTS]]
        for start in range(0, len(rows), SLICE_EVENTS)
    )


async def read_feed(
    store: Asks, keyring: Keyring, partition: int, *, after: int = 0, until: int
) -> AsyncIterator[Sequence[Recorded]]:
    """Events of a partition after a position and up to another, in pages, in order.

    No event ever appears later at or below a position that was read.
    """
    boxes: dict[StreamId, StreamKeys] = {}
    while after < until:
        rows = await store.ask(SQL["read_feed"], partition, after, until, PAGE_EVENTS)
        if not rows:
            return
        yield [_recorded(keyring, row, boxes) for row in rows]
        after = rows[-1]["notification_id"]
        if len(boxes) > PAGE_EVENTS:
            boxes.clear()


async def read_by_stream(
    store: Asks, keyring: Keyring, partition: int, *, until: int
) -> AsyncIterator[Sequence[Recorded | UnreadableEvent]]:
    """Events of a partition up to a position, in pages, grouped by stream and in order.

    An unreadable event yields the reason in its place, so that the others can be read.
    """
    stream, version = FIRST_STREAM, 0
    while rows := await store.ask(
        SQL["read_by_stream"], partition, stream, version, until, PAGE_EVENTS
    ):
        yield recorded_by_stream(keyring, rows)
        stream, version = rows[-1]["originator_id"], rows[-1]["originator_version"]


def recorded_by_stream(
    keyring: Keyring, rows: Sequence[asyncpg.Record]
) -> list[Recorded | UnreadableEvent]:
    """The events of a page that is grouped by stream."""
    page: list[Recorded | UnreadableEvent] = []
    boxes: dict[StreamId, StreamKeys] = {}
    for row in rows:
        if row["originator_id"] not in boxes:
            boxes.clear()
        page.append(recorded_if_readable(keyring, row, boxes))
    return page


async def read_back(
    store: Asks,
    keyring: Keyring,
    partition: int,
    stream: StreamId,
    topic: str,
    *,
    before: int = LAST_VERSION,
    most: int,
) -> list[Recorded]:
    """The last events of one stored name in a stream before a version, newest first.

    Takes several steps if there are few among very many others. Raises StoreDown, or Unreadable.
    """
    found: list[Recorded] = []
    boxes: dict[StreamId, StreamKeys] = {}
    while before > 1 and len(found) < most:
        rows = await store.ask(
            SQL["read_back"], partition, stream, topic, before, most - len(found), LOOK_BACK_EVENTS
        )
        found += [_recorded(keyring, row, boxes) for row in rows if row["topic"] is not None]
        before = rows[0]["before"] - LOOK_BACK_EVENTS
    return found


async def read_topic_on(
    store: Asks,
    keyring: Keyring,
    partition: int,
    stream: StreamId,
    topic: str,
    *,
    since: int,
    most: int,
) -> list[Recorded]:
    """The first events of one stored name in a stream from a version on, oldest first.

    Raises StoreDown, or Unreadable.
    """
    rows = await store.ask(SQL["read_topic_on"], partition, stream, topic, since, most)
    boxes: dict[StreamId, StreamKeys] = {}
    return [_recorded(keyring, row, boxes) for row in rows]


async def key_settings(store: Asks) -> KeySettings:
    """What the log keeps of its master keys; empty if nothing was ever stored."""
    rows = await store.ask(SQL["key_settings"])
    return msgspec.convert(dict(map(tuple, rows)), KeySettings)


async def heads(store: Asks) -> list[Head]:
    """The end of each partition."""
    return [Head(*row) for row in await store.ask(SQL["heads"])]


async def used_key(
    store: Store, partition: int, principal: str, key: str
) -> IdempotencyRecord | None:
    """The use of a key, None if it has none; StoreDown while a standby that it needs lacks it."""
    rows = await store.ask(SQL["used_key"], partition, principal, key)
    if rows:  # whoever is told takes the command for done
        await store.ask_once(SQL["await_standby"])
    return IdempotencyRecord(*rows[0]) if rows else None


def _stream(keyring: Keyring, rows: Sequence[asyncpg.Record]) -> Stream:
    boxes: dict[StreamId, StreamKeys] = {}
    events = [_recorded(keyring, row, boxes) for row in rows]
    return Stream(events, boxes.get(rows[0]["originator_id"]))


def keys_of(
    keyring: Keyring, row: asyncpg.Record, boxes: dict[StreamId, StreamKeys]
) -> StreamKeys | None:
    """The keys of a row's stream, None if it has none; `boxes` keeps them. Raises Unreadable."""
    wrapped = row["wrapped"]
    if wrapped is None:
        return None
    stream = row["originator_id"]
    box = boxes.get(stream)
    if box is None or box.wrapped != wrapped:  # a key may have been erased since the page before
        box = boxes[stream] = keyring.unwrap(stream, wrapped)
    return box


def _recorded(keyring: Keyring, row: asyncpg.Record, boxes: dict[StreamId, StreamKeys]) -> Recorded:
    """The event of a row. Raises UnreadableEvent."""
    partition, position, stream, version, topic, state, event_id, recorded_at, actor, *_ = row
    try:
        event, erased = codec.opened(topic, state, stream, keys_of(keyring, row, boxes))
    except Unreadable as error:
        raise unreadable_row(row, error) from error
    return Recorded(
        partition=partition,
        position=position,
        stream=stream,
        version=version,
        event=event,
        event_id=event_id,
        recorded_at=recorded_at,
        actor=actor,
        erased=erased,
    )


def recorded_if_readable(
    keyring: Keyring, row: asyncpg.Record, boxes: dict[StreamId, StreamKeys]
) -> Recorded | UnreadableEvent:
    """The event of a row, or the reason why it cannot be read."""
    try:
        return _recorded(keyring, row, boxes)
    except UnreadableEvent as error:
        return error
