"""Streams that move during a rebuild: small ones are folded anew, deep ones from their last state.

Appends wait for a swap. Reading a deep stream again from its beginning would make them wait too
long.
"""

from collections.abc import AsyncIterator, Iterator, Mapping

from app.history.streams import BrokenStream, Damaged, FoldedStream, folded_on, folded_stream
from app.log.errors import MissingEvent, UnreadableEvent
from app.log.keyring import Keyring
from app.log.read import PAGE_EVENTS, Asks, Stream, read_slices, read_streams
from domain.ids import StreamId

DEEP_EVENTS = 1_000
"""The last folded state of a stream with more events is remembered."""


class Moved:
    """Folds streams that have moved."""

    def __init__(self, store: Asks, keyring: Keyring) -> None:
        """Start without remembered streams."""
        self._store = store
        self._keyring = keyring
        self._deep: dict[StreamId, FoldedStream] = {}

    async def folded(
        self, partition: int, moved: Mapping[StreamId, int]
    ) -> AsyncIterator[tuple[list[StreamId], list[FoldedStream | Damaged]]]:
        """Fold streams of a partition at least up to the given versions, in batches.

        A stream that cannot be folded yields the reason. Memory is bounded by a page of events.
        """
        small = {stream: version for stream, version in moved.items() if version <= DEEP_EVENTS}
        for streams in _batches(small):
            wanted = [(partition, stream) for stream in streams]
            pasts = await read_streams(self._store, self._keyring, wanted)
            yield streams, [_folded(past) for past in pasts if past]
        for stream in moved.keys() - small.keys():
            try:
                yield [stream], [await self._on(partition, stream, moved[stream])]
            except (UnreadableEvent, BrokenStream) as damaged:
                yield [stream], [damaged]

    async def _on(self, partition: int, stream: StreamId, version: int) -> FoldedStream:
        folded = self._deep.get(stream)
        while folded is None or folded[1].version < version:
            after = 0 if folded is None else folded[1].version
            slices = await read_slices(
                self._store, self._keyring, partition, stream,
                after=after, until=version, boxes={},
            )  # fmt: skip
            events = [recorded for each in slices for recorded in each]
            if not events:
                raise MissingEvent(stream, after + 1)
            folded = folded_on(folded, events)
        self._deep[stream] = folded
        return folded


def _folded(past: Stream | UnreadableEvent) -> FoldedStream | Damaged:
    try:
        return folded_stream(past)
    except (UnreadableEvent, BrokenStream) as damaged:
        return damaged


def _batches(moved: Mapping[StreamId, int]) -> Iterator[list[StreamId]]:
    """Group streams, given with their versions, into batches of at most a page of events."""
    batch: list[StreamId] = []
    events = 0
    for stream, version in moved.items():
        if batch and events + version > PAGE_EVENTS:
            yield batch
            batch, events = [], 0
        batch.append(stream)
        events += version
    if batch:
        yield batch
