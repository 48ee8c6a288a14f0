"""The whole log, folded stream by stream: the common part of rebuilding and verifying."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

from app.log.errors import UnreadableEvent
from app.log.keyring import Keyring
from app.log.read import Asks, Head, Stream, read_by_stream
from projections.catalog import view_of
from projections.fold import Folded, Recorded, fold, is_stray
from projections.view import View

FoldedStream = tuple[View, Folded[Any]]
Progress = Callable[[int, int], None]
"""Called with the events done so far and the events in total."""


class BrokenStream(Exception):
    """A stream's events do not follow one another."""

    def __init__(self, at: Recorded, why: str) -> None:
        """`at`: the event that does not follow the one before it."""
        self.stream: UUID = at.stream
        super().__init__(
            f"stream {at.stream} has version {at.version} at position "
            f"{at.partition}:{at.position}, {why}"
        )


Damaged = UnreadableEvent | BrokenStream
"""The reason why a stream cannot be folded; its `stream` names the stream."""


class Stray(Struct, frozen=True):
    """An event of another kind than its stream, which the fold passed over."""

    event: Recorded

    def __str__(self) -> str:
        """The stream, version and position of the event, and its stored name."""
        at = self.event
        return (
            f"stream {at.stream} has version {at.version} at position "
            f"{at.partition}:{at.position}, {at.event.topic}, which is of another kind"
        )


Found = FoldedStream | Damaged | Stray


def folded_streams(
    store: Asks, keyring: Keyring, head: Head
) -> AsyncIterator[tuple[list[Found], int]]:
    """Pages of a partition's streams as of its head, in the form of `folded_pages`."""
    return folded_pages(read_by_stream(store, keyring, head.partition, until=head.position))


async def folded_pages(
    pages: AsyncIterator[Sequence[Recorded | UnreadableEvent]],
) -> AsyncIterator[tuple[list[Found], int]]:
    """The streams in pages of events, in order; a page's last stream comes with the next page.

    Each page comes with its number of events. Memory is bounded by a page and one stream. For a
    stream that cannot be folded, the first reason is returned, so that the others can be folded. A
    Stray comes before its stream.
    """
    folded: FoldedStream | Damaged | None = None
    async for page in pages:
        done: list[Found] = []
        for event in page:
            if folded is not None and _stream(folded) != event.stream:
                done.append(folded)
                folded = None
            folded = _folded(folded, event)
            if stray := _stray(folded, event):
                done.append(stray)
        yield done, len(page)
    if folded is not None:
        yield [folded], 0


def undamaged(
    page: Iterable[Found], passed: Callable[[Stray], None], damaged: Callable[[Damaged], None]
) -> Iterator[FoldedStream]:
    """The streams of a page that could be folded.

    `passed` is called with each event that was passed over, and `damaged` with the reason for each
    stream that could not be folded.
    """
    for found in page:
        if isinstance(found, Damaged):
            damaged(found)
        elif isinstance(found, Stray):
            passed(found)
        else:
            yield found


def folded_stream(past: Stream | UnreadableEvent) -> FoldedStream:
    """One stream, folded from its whole past.

    Raises UnreadableEvent if `past` is that, or BrokenStream.
    """
    if isinstance(past, UnreadableEvent):
        raise past
    return folded_on(None, past.events)


def folded_on(folded: FoldedStream | None, events: Iterable[Recorded]) -> FoldedStream:
    """A stream after one or more further events. Raises BrokenStream."""
    for recorded in events:
        folded = _advanced(folded, recorded)
    assert folded is not None  # a stream is never empty
    return folded


def _stream(folded: FoldedStream | Damaged) -> UUID:
    return folded.stream if isinstance(folded, Damaged) else folded[1].stream


def _stray(folded: FoldedStream | Damaged, event: Recorded | UnreadableEvent) -> Stray | None:
    if isinstance(folded, Damaged) or isinstance(event, UnreadableEvent):
        return None
    return Stray(event) if is_stray(event, folded[0].kind) else None


def _folded(
    before: FoldedStream | Damaged | None, event: Recorded | UnreadableEvent
) -> FoldedStream | Damaged:
    if isinstance(before, Damaged):
        return before
    if isinstance(event, UnreadableEvent):
        return event
    try:
        return _advanced(before, event)
    except BrokenStream as broken:
        return broken


def _advanced(before: FoldedStream | None, recorded: Recorded) -> FoldedStream:
    view, folded = before or (view_of(recorded.event), None)
    expected = 1 if folded is None else folded.version + 1
    if recorded.version != expected:
        raise BrokenStream(recorded, f"where {expected} belongs")
    try:
        return view, fold(view.evolve, folded, recorded, view.kind)
    except Exception as error:  # damaged events may fail to fold with any error
        why = f"{recorded.event.topic}, which does not follow what is before it: {error!r}"
        raise BrokenStream(recorded, why) from error
