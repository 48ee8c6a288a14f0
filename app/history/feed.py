"""The feed of the log: all events, oldest first, without a hole within a partition."""

from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence

from app.history.moments import Cut
from app.history.reader import BLOCK_EVENTS, Reader
from app.log.audited import AuditedEvent, read_on
from app.log.read import STREAM_PAGE_EVENTS

_AHEAD_BYTES = 1024 * 1024
"""Of the states of events of one partition that are read ahead."""


class _Source:
    """The next events of one partition, a part of them in memory."""

    def __init__(self, reader: Reader, partition: int, after: int, until: int, most: int) -> None:
        self.partition = partition
        self._reader = reader
        self._after, self._until, self._most = after, until, most
        self._slices: Iterator[Sequence[AuditedEvent]] = iter(())
        self._events: deque[AuditedEvent] = deque()

    async def next(self) -> AuditedEvent | None:
        """The next event, which stays; None: there is none."""
        while not self._events:
            part = next(self._slices, None)
            if part is not None:
                self._events.extend(part)
                self._after = part[-1].position
            elif self._after >= self._until or not await self._read():
                return None
        return self._events[0]

    async def _read(self) -> bool:
        reader = self._reader
        parts = await read_on(
            reader.store, reader.keyring, self.partition,
            after=self._after, until=self._until, most=self._most, most_bytes=_AHEAD_BYTES,
        )  # fmt: skip
        first = next(parts, None)
        if first is None:
            self._after = self._until
            return False
        self._events.extend(first)
        self._after = first[-1].position
        self._slices = parts
        return True

    def take(self) -> AuditedEvent:
        """The next event, which goes."""
        return self._events.popleft()


async def following(
    reader: Reader, after: Cut, until: Cut, *, only: int | None = None
) -> AsyncIterator[AuditedEvent]:
    """Events after a cut and up to another, by time, partition and position.

    `only`: the partition; None: all. Raises StoreDown.
    """
    wanted = range(len(until)) if only is None else (only,)
    most = max(BLOCK_EVENTS, STREAM_PAGE_EVENTS // len(wanted))
    sources = [_Source(reader, number, after[number], until[number], most) for number in wanted]
    while True:
        ready = [
            (event.recorded_at, source.partition, source)
            for source in sources
            if (event := await source.next()) is not None
        ]
        if not ready:
            return
        yield min(ready, key=lambda each: each[:2])[2].take()


async def blocks_of(
    events: AsyncIterator[AuditedEvent],
) -> AsyncIterator[Sequence[AuditedEvent]]:
    """The same events in blocks."""
    block: list[AuditedEvent] = []
    async for event in events:
        block.append(event)
        if len(block) == BLOCK_EVENTS:
            yield block
            block = []
    if block:
        yield block
