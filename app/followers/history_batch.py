"""What a batch of events changes in the histories of the views and in the index of events."""

from collections.abc import Container, Iterable, Sequence
from typing import Any
from uuid import UUID

from app.followers.quarantine import Failure
from app.history import segments
from domain.ids import StreamId
from projections.catalog import of_kind
from projections.fold import Folded
from projections.sealing import Seal
from projections.view import View

_ROW_FIELDS = 11
_CLOSED_FIELDS = 4
_UNTIL, _DOC = 4, 9
Row = list[Any]
"""A version's values, in the order of `follow_history_1`."""
Place = tuple[int, int]
"""A term and a segment."""


class HistoryBatch:
    """Collects the changes of one partition's next events."""

    def __init__(self, seal: Seal, views: Container[str] | None = None) -> None:
        """Start without any. `seal`: the secrets of rows; `views`: names; None: all are kept."""
        self._seal = seal
        self._views = views
        self._rows: list[Row] = []
        self._closed: list[tuple[Any, ...]] = []
        self._open: dict[tuple[str, Any], Row] = {}
        self._offsets: dict[Place, list[int]] = {}
        self._stored: dict[Place, bytes] = {}
        self._gone: dict[Place, list[int]] = {}
        self._forgotten: dict[Place, set[int]] = {}
        self.failures: list[Failure] = []
        """Events that cannot be taken up, the first of each stream."""
        self.doc_characters = 0
        """Of all documents so far."""
        self.last: UUID | None = None
        """Id of the last event."""

    def end(self, kind: str, before: Folded[Any] | None, position: int) -> None:
        """End the rows of a stream's state at a position; None: it has none."""
        if before is None:
            return
        for view in self._kept(kind):
            if row := self._open.pop((view.name, before.stream), None):
                row[_UNTIL] = position
            elif not view.gone(before.state):
                self._closed.append((view.name, before.stream, before.version, position))

    def begin(self, kind: str, folded: Folded[Any]) -> None:
        """Begin the rows of a stream's state."""
        for view in self._kept(kind):
            row = view.row(folded, self._seal)
            if row is not None:
                stream, _, version, position, by, at, modified_by, modified_at, doc, search = row
                new = [view.name, stream, version, position, None, by, at, modified_by]
                new += [modified_at, doc, search]
                self._rows.append(new)
                self._open[view.name, stream] = new
                self.doc_characters += len(doc)

    def _kept(self, kind: str) -> Sequence[View]:
        views = self._views
        if views is None:
            return of_kind(kind)
        return [view for view in of_kind(kind) if view.name in views]

    def characters_of(self, view: str, stream: StreamId) -> int:
        """The size of a stream's last document in a view; 0 if it has none."""
        row = self._open.get((view, stream))
        return 0 if row is None else len(row[_DOC])

    def index(self, position: int, terms: Iterable[int]) -> None:
        """Let an event be found by its terms."""
        segment, offset = segments.place(position)
        offsets = self._offsets
        for term in terms:
            place = term, segment
            if place not in offsets:
                offsets[place] = [offset]
            elif offsets[place][-1] != offset:
                offsets[place].append(offset)

    def places(self) -> list[Place]:
        """The terms and segments that have further positions."""
        return list(self._offsets)

    def stored(self, term: int, segment: int, positions: bytes) -> None:
        """Say which positions a segment of a term has so far."""
        self._stored[term, segment] = positions

    def index_anew(self, position: int, terms: Iterable[int]) -> None:
        """Let an event be found by its present terms alone, of all those that it had before."""
        segment, offset = segments.place(position)
        for term in terms:
            self._gone.setdefault((term, segment), []).append(offset)
            self._offsets.setdefault((term, segment), [])

    def forget(self, position: int, term: int) -> None:
        """Let an event not be found by a term any more."""
        segment, offset = segments.place(position)
        self._gone.setdefault((term, segment), []).append(offset)
        self._forgotten.setdefault((term, segment), set()).add(offset)
        self._offsets.setdefault((term, segment), [])

    def arguments(self) -> list[list[Any]]:
        """The arrays of `follow_history_1`, without those of the index."""
        closed = list(map(list, zip(*self._closed, strict=True)))
        rows = list(map(list, zip(*self._rows, strict=True)))
        return [*(closed or _empty(_CLOSED_FIELDS)), *(rows or _empty(_ROW_FIELDS))]

    def index_arguments(self) -> list[list[Any]]:
        """The arrays of the index."""
        written = [
            (*place, segments.joined(self._left(place), self._further(place)))
            for place in self._offsets
        ]
        return list(map(list, zip(*written, strict=True))) or _empty(3)

    def _further(self, place: Place) -> list[int]:
        """The positions that the batch adds."""
        offsets = self._offsets[place]
        if (forgotten := self._forgotten.get(place)) is None:
            return offsets
        return [offset for offset in offsets if offset not in forgotten]

    def _left(self, place: Place) -> bytes:
        """What is stored, without the positions that are indexed anew, or forgotten."""
        stored = self._stored.get(place, b"")
        if not self._gone:
            return stored
        return segments.without(stored, [*self._gone.get(place, ()), *self._offsets[place]])


def _empty(count: int) -> list[list[Any]]:
    return [[] for _ in range(count)]
