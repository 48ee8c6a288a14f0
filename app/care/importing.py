"""`import`: an exported log into an empty one, verified line by line on its way in.

A batch of events, with the keys of their streams and the head, is one transaction: a run that was
killed is taken up by the next. Until the end, the log has no check value, and no service takes it.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import Struct

from app.care.incoming import Incoming, Place, incoming
from app.care.lines import Altered, Checkpoint, EventLine, LogKeys, StreamKey, UsedKey, stored_state
from app.database.sql import blocks
from app.database.uuids import new_uuid
from app.followers.reset import followers, reset
from app.history.streams import Progress
from app.integrity.positions import Largest
from app.log import codec
from app.log.errors import Unreadable
from app.log.keyring import Keyring
from app.log.stream_keys import StreamKeys
from app.maintenance.store import Connection
from app.rebuild.rebuild import named, rebuild
from domain.ids import StreamId, partition_of

SQL = blocks(__file__)
_BATCH = 2_000
_HAS_EVENTS = "The log has events: an export is imported into an empty one"
_ASSOCIATES = "associate_number"
_EVENTS = (
    "partition", "originator_id", "originator_version", "topic", "state", "notification_id",
    "event_id", "recorded_at", "actor", "metadata",
)  # fmt: skip


Batch = Sequence[tuple[Incoming, EventLine]]
"""Events of one partition, in their order."""


class NotEmpty(Exception):
    """The log that is to be filled has events already."""


class Imported(Struct):
    """The result of an import."""

    positions: dict[int, int]
    was_there: bool
    """Whether an earlier run had done all of it, so that this one only compared."""
    resumed: dict[int, int]
    """Where an earlier run was taken up, by partition."""
    damaged: list[str]
    """Events that the exported log had and nobody can read; no file was altered."""


async def begin(store: Connection, keys: LogKeys) -> bool:
    """Make sure that the log and its followers' tables are empty, or an import's. Raises NotEmpty.

    False if the log ends where the export of `keys` does: who was killed at the end of an import
    cannot tell that it was done, and imports again.
    """
    async with store.raw.transaction():
        (found,) = await store.raw.fetch(SQL["state"])
        if found["has_events"] and not found["is_begun"]:
            heads = await store.raw.fetch(SQL["heads"])
            if {row["partition"]: row["position"] for row in heads} != keys.positions:
                raise NotEmpty(_HAS_EVENTS)
            return False
        await store.raw.execute(SQL["begin"], keys.master_key)
        await store.raw.execute(SQL["unsettle"])
        for name in await followers(store):
            await reset(store, name)  # what an earlier log left would be taken for this one's
    return True


async def import_lines(
    store: Connection,
    keyring: Keyring,
    keys: LogKeys,
    first: bytes,
    rest: Iterator[bytes],
    progress: Progress,
) -> Imported:
    """Fill the log, then its views; afterwards it is the exported one. Raises Altered or NotEmpty.

    `keyring`: has adopted the `keys` of the first line. After Altered, the log cannot be used, but
    an import of the whole file goes on.
    """
    is_new = await begin(store, keys)
    run = _Run(store, keyring, sum(keys.positions.values()), progress)
    await run.look()
    for found in incoming(keyring, first, rest):
        if not is_new and run.contradicts(found):
            raise NotEmpty(_HAS_EVENTS)
        await run.take(found)
    if not is_new:
        return Imported(keys.positions, True, {}, run.damaged)
    for row in await store.ask(SQL["twice"]):
        raise Altered(f"Event {row['partition']}:{row['position']} has the id of another event")
    await rebuild(store, keyring, named(()), lambda *_: None)
    await run.move_numbers()
    async with store.raw.transaction():
        mark = str(new_uuid())
        await store.raw.execute(SQL["settle"], keyring.check_value(), keyring.sealed_root(), mark)
        await store.raw.execute(SQL["end"])
    return Imported(keys.positions, False, run.resumed, run.damaged)


class _Run:
    """One import."""

    def __init__(self, store: Connection, keyring: Keyring, total: int, progress: Progress) -> None:
        self._store = store
        self._keyring = keyring
        self._total = total
        self._progress = progress
        self._done = 0
        self._places: dict[int, Place] = {}
        self._stored: dict[int, asyncpg.Record] = {}
        self._events: list[tuple[Incoming, EventLine]] = []
        self._keys: dict[StreamId, bytes] = {}
        self._used: list[UsedKey] = []
        self._largest = Largest()
        self.resumed: dict[int, int] = {}
        self.damaged: list[str] = []

    async def look(self) -> None:
        """See where an earlier run came to."""
        for row in await self._store.ask(SQL["heads"]):
            self._stored[row["partition"]] = row
            self._places[row["partition"]] = Place()
            if row["position"]:
                self.resumed[row["partition"]] = row["position"]

    def contradicts(self, found: Incoming) -> bool:
        """Whether the log ends, in a line's partition, with another event at the line's place."""
        event = found.content
        if not isinstance(event, EventLine) or event.partition not in self._stored:
            return False
        head = self._stored[event.partition]
        return bool(event.position == head["position"] and event.event_id != head["event_id"])

    async def take(self, found: Incoming) -> None:
        """Take up a line. Raises Altered."""
        match found.content:
            case StreamKey() as key:
                await self._leave_for(key.partition)
                self._keys[StreamId(key.stream)] = key.wrapped
            case EventLine() as event:
                await self._take_event(found, event)
            case UsedKey() as used:
                await self._take_up()
                self._used.append(used)
                if len(self._used) >= _BATCH:
                    await self._write_used()
            case Checkpoint() as checkpoint:
                await self._take_up()
                await self._write_used()
                self._require_whole(found, checkpoint)

    def _require_whole(self, found: Incoming, checkpoint: Checkpoint) -> None:
        for partition, place in self._places.items():
            if checkpoint.positions.get(partition) != place.position:
                raise found.altered(
                    f"it stands for {partition}:{checkpoint.positions.get(partition)}, but the "
                    f"file has events up to {partition}:{place.position}"
                )

    async def _take_event(self, found: Incoming, event: EventLine) -> None:
        place = self._places.get(event.partition)
        if (
            place is None
            or partition_of(StreamId(event.stream), len(self._places)) != event.partition
        ):
            raise found.altered("its stream belongs in another partition")
        await self._leave_for(event.partition)
        place.accept(found, event)
        self._done += 1
        if self.contradicts(found):
            raise found.altered("an earlier run imported another log")
        self._events.append((found, event))
        is_last_stored = event.position == self._stored[event.partition]["position"]
        if len(self._events) >= _BATCH or is_last_stored:
            await self._take_up()

    async def _leave_for(self, partition: int) -> None:
        """Write what there is of another partition."""
        if self._events and self._events[-1][1].partition != partition:
            await self._take_up()

    async def _take_up(self) -> None:
        """Judge a batch, and write it unless an earlier run did."""
        events, self._events = self._events, []
        if not events:
            return
        partition = events[0][1].partition
        streams = list({event.stream for _, event in events})
        kept = await self._store.ask(SQL["stream_keys"], partition, streams)
        wrapped = {row["stream_id"]: row["wrapped"] for row in kept} | self._keys
        boxes: dict[StreamId, StreamKeys] = {}
        for _, event in events:
            self._open(event, wrapped, boxes)
        if events[-1][1].position > self._stored[partition]["position"]:
            await self._require_versions(partition, streams, events)
            await self._write(partition, events)
        self._keys = {}
        self._progress(self._done, max(self._total, self._done))

    async def _write(self, partition: int, events: Batch) -> None:
        connection = self._store.raw
        keys = [(partition, stream, wrapped) for stream, wrapped in self._keys.items()]
        async with connection.transaction():
            await connection.execute(SQL["appends"])
            await self._refuse_other_kinds(partition, events)
            await connection.copy_records_to_table(
                "stored_events", records=[_row(event) for _, event in events], columns=_EVENTS
            )
            await connection.copy_records_to_table(
                "stream_key", records=keys, columns=("partition", "stream_id", "wrapped")
            )
            last = events[-1][1]
            await connection.execute(SQL["move_head"], partition, last.position, _time(last))

    async def _refuse_other_kinds(self, partition: int, events: Batch) -> None:
        streams = [event.stream for _, event in events]
        topics = [event.type for _, event in events]
        try:
            await self._store.raw.execute(SQL["refuse_other_kinds"], partition, streams, topics)
        except asyncpg.CheckViolationError as error:
            first, last = events[0][0], events[-1][0]
            raise Altered(f"Lines {first.number} to {last.number}: {error}") from error

    async def _require_versions(
        self, partition: int, streams: Sequence[UUID], events: Batch
    ) -> None:
        rows = await self._store.ask(SQL["versions"], partition, streams)
        versions: dict[UUID, int] = {row["stream"]: row["version"] or 0 for row in rows}
        for found, event in events:
            versions[event.stream] += 1
            if event.version != versions[event.stream]:
                raise found.altered(
                    f"version {versions[event.stream]} of stream {event.stream} belongs here, not "
                    f"{event.version}"
                )

    def _open(
        self,
        event: EventLine,
        wrapped: dict[StreamId, bytes],
        boxes: dict[StreamId, StreamKeys],
    ) -> None:
        stream = StreamId(event.stream)
        try:
            if stream in wrapped and stream not in boxes:
                boxes[stream] = self._keyring.unwrap(stream, wrapped[stream])
            state = stored_state(event)
            self._largest.see(codec.decode(event.type, state, stream, boxes.get(stream)))
        except Unreadable as error:
            # (The chain shows that it was exported like this.)
            self.damaged.append(f"{event}, stream {stream}: {error}")

    async def _write_used(self) -> None:
        used, self._used = self._used, []
        for partition in sorted({each.partition for each in used}):
            its = [each for each in used if each.partition == partition]
            await self._store.raw.execute(
                SQL["used_keys"],
                partition,
                [each.principal for each in its],
                [each.idempotency_key for each in its],
                [each.fingerprint for each in its],
                [each.stream for each in its],
                [each.version for each in its],
            )

    async def move_numbers(self) -> None:
        """Let no number be drawn that the log has."""
        associates: int = await self._store.raw.fetchval(SQL["associates"])
        for name, upto in (*self._largest.numbers.items(), (_ASSOCIATES, associates)):
            if upto:
                await self._store.raw.execute(SQL["move_numbers"], name, upto)


def _row(event: EventLine) -> tuple[Any, ...]:
    return (
        event.partition, event.stream, event.version, event.type, stored_state(event),
        event.position, event.event_id, _time(event), event.actor, bytes(event.metadata).decode(),
    )  # fmt: skip


def _time(event: EventLine) -> datetime:
    return datetime.fromisoformat(event.recorded_at).astimezone(UTC)
