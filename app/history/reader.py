"""Reads the log for histories: by the service's connections, or by a command's own.

It never fails for an event that cannot be read: such an event is shown with what can be read of it.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from copy import copy
from typing import Any
from uuid import UUID

import msgspec

from app.commands.repository import Repository
from app.database.errors import StoreDown, TooSlow
from app.database.sql import blocks
from app.history.one_event import Event, Identity, Parts, Step, shown_event, stepped
from app.history.terms import stored_fields
from app.log import audited
from app.log.audited import AuditedEvent
from app.log.keyring import Keyring
from app.log.log import Log
from app.log.read import LAST_VERSION, SLICE_EVENTS, Asks, heads
from app.log.versions import versions_at
from domain.event import kind_of
from domain.ids import StreamId, partition_of
from domain.stored import EVENTS, upcast
from projections.catalog import CURRENT
from projections.fold import Folded

SQL = blocks(__file__)
BLOCK_EVENTS = 25
"""Events that are read, folded and shown at a time: some milliseconds, and some mebibytes."""
PAGE_EVENTS = 100
"""Events of one stream that are read at a time in order to fold it."""
_PASTS_BYTES = 2 * 1024 * 1024
"""Of the states of events that are read for a block at once; what is beyond is read by itself."""
_MAX_KNOWN = 10_000
_LOG = logging.getLogger("sessionary")

Place = tuple[StreamId, int]
"""A stream, and a version of it."""
StateAt = Callable[[str, StreamId, int], Awaitable[Folded[Any]]]
"""A stream of a kind as it was at a version that it has. May raise Unreadable."""
Showing = AsyncIterator[Event]
"""Events as they are shown, one by one."""


class Reader:
    """Reads events with the states of their streams."""

    def __init__(
        self, store: Asks, keyring: Keyring, partitions: int, state_at: StateAt | None = None
    ) -> None:
        """`state_at`: finds states of deep streams fast; None: streams are folded whole."""
        self.store = store
        self.keyring = keyring
        self.partitions = partitions
        self._state_at = state_at
        self._known: OrderedDict[StreamId, Identity] = OrderedDict()

    def reading(self, log: Log, aggregates: Repository) -> "Reader":
        """The same of a log that is read by another store."""
        other = copy(self)
        other.store, other._state_at = log.reads, aggregates.as_of
        return other

    def partition(self, stream: StreamId) -> int:
        """The partition of a stream."""
        return partition_of(stream, self.partitions)

    async def versions(
        self, stream: StreamId, *, after: int = 0, until: int = LAST_VERSION, most: int
    ) -> list[AuditedEvent]:
        """Events of a stream after a version and up to another, oldest first. Raises StoreDown."""
        return await audited.read_versions(
            self.store, self.keyring, self.partition(stream), stream,
            after=after, until=until, most=most,
        )  # fmt: skip

    async def version_at(self, stream: StreamId, position: int) -> int | None:
        """The stream's version at a position of its partition; None if it has no events at all.

        0: its first event came later. Raises StoreDown.
        """
        found = await versions_at(self.store, self.partition(stream), stream, [position])
        return found[0] if found else None

    async def event(self, partition: int, position: int) -> AuditedEvent | None:
        """The event at a position; None: there is none. Raises StoreDown."""
        found = await audited.read_positions(self.store, self.keyring, partition, [position])
        return found[0] if found else None

    async def place_of(self, event_id: UUID) -> tuple[int, int] | None:
        """The partition and position of an event; None: there is none. Raises StoreDown."""
        rows = await self.store.ask(SQL["place"], event_id)
        return (rows[0]["partition"], rows[0]["position"]) if rows else None

    async def identities(self, streams: Iterable[StreamId]) -> dict[StreamId, Identity]:
        """What streams are. Raises StoreDown."""
        wanted = set(streams)
        found = {each: self._known[each] for each in wanted if each in self._known}
        missing = sorted(wanted - found.keys())
        if missing:
            homes = list(map(self.partition, missing))
            rows = await self.store.ask(SQL["first_events"], homes, missing)
            for row in rows:
                identity = _identity(row["stream"], row["topic"], row["state"])
                found[row["stream"]] = self._known[row["stream"]] = identity
            while len(self._known) > _MAX_KNOWN:
                self._known.popitem(last=False)
        # (A log with holes may lack the first event of a stream.)
        return {each: found.get(each) or Identity("", str(each)) for each in wanted}

    async def identity(self, stream: StreamId) -> Identity:
        """What a stream is that has events. Raises StoreDown."""
        return (await self.identities([stream]))[stream]

    async def state(self, kind: str, stream: StreamId, version: int) -> Folded[Any] | None:
        """A stream at a version that it has; None at version 0, or if nothing could be folded."""
        if version == 0:
            return None
        if self._state_at is not None and kind in CURRENT:
            try:
                return await self._state_at(kind, stream, version)
            except (StoreDown, TooSlow):
                raise
            except Exception:  # what can be read is folded below
                _LOG.debug("Stream %s cannot be folded as it is", stream, exc_info=True)
        folded: Folded[Any] | None = None
        async for event in self.whole(stream, until=version):
            folded = stepped(kind, folded, event)
        return folded

    async def whole(
        self, stream: StreamId, *, after: int = 0, until: int = LAST_VERSION
    ) -> AsyncIterator[AuditedEvent]:
        """All events of a stream after a version and up to another, page by page."""
        async for page in self.pages(stream, after=after, until=until, most=PAGE_EVENTS):
            for event in page:
                yield event
            await asyncio.sleep(0)  # others' requests

    async def pages(
        self, stream: StreamId, *, after: int = 0, until: int = LAST_VERSION, most: int
    ) -> AsyncIterator[list[AuditedEvent]]:
        """The same in pages of at most so many events."""
        while page := await self.versions(stream, after=after, until=until, most=most):
            yield page
            after = page[-1].version

    async def shown(self, events: AsyncIterable[Sequence[AuditedEvent]], parts: Parts) -> Showing:
        """Events, block by block, with the parts that are asked for. Raises StoreDown."""
        folded: dict[StreamId, Folded[Any]] = {}
        async for block in events:
            known = await self.identities(event.stream for event in block)
            for step in await self._steps(block, known, folded, parts):
                yield shown_event(step, known[step.event.stream], parts)

    async def _steps(
        self,
        block: Sequence[AuditedEvent],
        known: dict[StreamId, Identity],
        folded: dict[StreamId, Folded[Any]],
        parts: Parts,
    ) -> list[Step]:
        """The steps of events; `folded` holds the last states, for the next ones."""
        if not parts.needs_states:
            return [Step(event, None, None) for event in block]
        made: dict[tuple[int, int], Step] = {}
        ordered = sorted(block, key=lambda each: (each.stream, each.version))
        pasts = await self._pasts(_wanted(ordered, folded), known)
        for event in ordered:
            kind, past = known[event.stream].kind, (event.stream, event.version - 1)
            before = folded.get(event.stream)
            if past in pasts:
                before = pasts[past]
            elif before is None or before.version != event.version - 1:
                before = await self.state(kind, *past)
            after = stepped(kind, before, event)
            if after is not None:
                folded[event.stream] = after
            made[event.partition, event.position] = Step(event, before, after)
        for stream in folded.keys() - {event.stream for event in block}:
            del folded[stream]
        return [made[event.partition, event.position] for event in block]

    async def _pasts(
        self, wanted: Sequence[Place], known: Mapping[StreamId, Identity]
    ) -> dict[Place, Folded[Any] | None]:
        """Streams at versions early enough for all their events to be read, in one statement."""
        shallow = {stream: version for stream, version in wanted if version <= SLICE_EVENTS}
        if not shallow:
            return {}
        slices = await audited.read_pasts(
            self.store,
            self.keyring,
            [(self.partition(stream), stream, version) for stream, version in shallow.items()],
            most_bytes=_PASTS_BYTES,
        )
        found: dict[Place, Folded[Any] | None] = {}
        last: dict[StreamId, Folded[Any] | None] = {}
        for events in slices:
            for event in events:
                before = last.get(event.stream)
                folded = stepped(known[event.stream].kind, before, event)
                last[event.stream] = found[event.stream, event.version] = folded
            await asyncio.sleep(0)  # others' requests
        return {place: found[place] for place in wanted if place in found}


def _wanted(events: Sequence[AuditedEvent], folded: Mapping[StreamId, Folded[Any]]) -> list[Place]:
    """The streams and versions, the earlier ones first, that the events do not follow from others.

    `events`: by stream and version; `folded`: the streams that are known already.
    """
    wanted: list[Place] = []
    versions = {stream: each.version for stream, each in folded.items()}
    for event in events:
        if versions.get(event.stream, 0) != event.version - 1:
            wanted.append((event.stream, event.version - 1))
        versions[event.stream] = event.version
    return wanted


async def in_blocks(events: Sequence[AuditedEvent]) -> AsyncIterator[Sequence[AuditedEvent]]:
    """Events in blocks for `Reader.shown`."""
    for start in range(0, len(events), BLOCK_EVENTS):
        yield events[start : start + BLOCK_EVENTS]


def reader_of(log: Log, aggregates: Repository) -> Reader:
    """The reader of a worker that serves."""
    return Reader(log.reads, log.keyring, log.partitions, aggregates.as_of)


async def reader_on(store: Asks, keyring: Keyring) -> Reader:
    """The reader of a command with a connection of its own."""
    return Reader(store, keyring, len(await heads(store)))


def _identity(stream: StreamId, topic: str, state: bytes) -> Identity:
    """What a stream is by its first event as it is stored: no key is needed for it."""
    kind = kind_of(topic)
    try:
        plain = stored_fields(state) or {}
        topic, fields = upcast(topic, {k: v for k, v in plain.items() if v is not None})
        first = msgspec.convert(fields, EVENTS[topic])
        view = CURRENT[kind]
        return Identity(kind, view.session_id(stream, view.evolve(None, first)))
    except Exception:  # damaged events may fail to fold with any error
        return Identity(kind, str(stream))
