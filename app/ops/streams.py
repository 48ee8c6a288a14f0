"""The whole log, folded stream by stream: what rebuilding and verifying have in common."""

from collections.abc import AsyncIterator, Callable
from typing import Any

from app.log.errors import Unreadable
from app.log.keyring import Keyring
from app.log.read import Asks, Head, Stream, read_by_stream
from projections.catalog import view_of
from projections.fold import Folded, Recorded, fold
from projections.view import View

FoldedStream = tuple[View, Folded[Any]]
Progress = Callable[[int, int], None]
"""Called with the events done so far and the events there are."""


async def folded_streams(
    store: Asks, keyring: Keyring, head: Head
) -> AsyncIterator[tuple[list[FoldedStream], int]]:
    """Pages of a partition's streams as of its head, in the order of their ids.

    With each page comes how many events it took. Memory is bounded by a page and one stream.
    Raises Unreadable, or BrokenStream for a stream that has a gap.
    """
    view: View | None = None
    folded: Folded[Any] | None = None
    async for page in read_by_stream(store, keyring, head.partition, until=head.position):
        done: list[FoldedStream] = []
        for recorded in page:
            if folded is not None and view is not None and folded.stream != recorded.stream:
                done.append((view, folded))
                folded = None
            _check_order(folded, recorded)
            if folded is None:
                view = view_of(recorded.event)
            assert view is not None  # noqa: S101  # set with the first event
            folded = fold(view.evolve, folded, recorded)
        yield done, len(page)
    if view is not None and folded is not None:
        yield [(view, folded)], 0


def folded_stream(past: Stream | Unreadable) -> FoldedStream:
    """One stream, from the whole of its past.

    Raises Unreadable if that is what it is, or BrokenStream if it has a gap.
    """
    if isinstance(past, Unreadable):
        raise past
    view = view_of(past.events[0].event)
    folded: Folded[Any] | None = None
    for recorded in past.events:
        _check_order(folded, recorded)
        folded = fold(view.evolve, folded, recorded)
    assert folded is not None  # noqa: S101  # a stream is never empty
    return view, folded


class BrokenStream(Exception):
    """A stream's versions do not follow one another."""


def _check_order(before: Folded[Any] | None, recorded: Recorded) -> None:
    expected = 1 if before is None else before.version + 1
    if recorded.version != expected:
        raise BrokenStream(
            f"stream {recorded.stream} has version {recorded.version} where {expected} belongs"
        )
