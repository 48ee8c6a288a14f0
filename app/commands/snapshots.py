"""Folded aggregates in memory, bounded in bytes; the least recently used go first."""

from collections import OrderedDict
from typing import Any
from uuid import UUID

from msgspec import Struct

from app.log.stream_keys import StreamKeys
from domain.ids import StreamId
from projections.fold import Folded

_OVERHEAD_BYTES = 1_350
"""Growth of resident memory per remembered aggregate, beside its document."""
_BYTES_A_CHARACTER = 4
"""For a document that is not ASCII: Python keeps such a text twice after encoding it as UTF-8."""


class Snapshot(Struct, frozen=True, gc=False):
    """A folded aggregate, and the box of its personal fields; empty for a stream without events."""

    folded: Folded[Any] | None = None
    last: UUID | None = None
    """Id of the event at its version: two logs can have different events at the same version."""
    box: StreamKeys | None = None
    doc_bytes: int = 0
    resident_bytes: int = _OVERHEAD_BYTES
    """Rough size in memory."""


def snapshot_of(
    folded: Folded[Any], last: UUID, box: StreamKeys | None, doc: str | None
) -> Snapshot:
    """A snapshot of an aggregate; `doc`: its document, None if it was deleted."""
    size = len(doc or "")
    a_character = 1 if doc is None or doc.isascii() else _BYTES_A_CHARACTER
    return Snapshot(folded, last, box, size, _OVERHEAD_BYTES + size * a_character)


class SnapshotCache:
    """Keeps snapshots by kind and stream, since an id alone does not identify the kind.

    Our own, because `cachetools.LRUCache` took a tenth of a whole command's processor time.
    """

    def __init__(self, most_bytes: int) -> None:
        """Empty."""
        self._most_bytes = most_bytes
        self._bytes = 0
        self._known: OrderedDict[tuple[str, int], Snapshot] = OrderedDict()

    def get(self, kind: str, stream: StreamId) -> Snapshot | None:
        """The snapshot of a stream of a kind; None if the cache has none."""
        key = kind, stream.int
        known = self._known.get(key)
        if known is not None:
            self._known.move_to_end(key)
        return known

    def clear(self) -> None:
        """Forget all snapshots."""
        self._known.clear()
        self._bytes = 0

    def remember(self, kind: str, stream: StreamId, known: Snapshot) -> None:
        """Keep a snapshot, unless it is so large that it would drive out many others."""
        key = kind, stream.int
        before = self._known.pop(key, None)
        if before is not None:
            self._bytes -= before.resident_bytes
        if known.resident_bytes > self._most_bytes // 16:
            return
        self._known[key] = known
        self._bytes += known.resident_bytes
        while self._bytes > self._most_bytes:
            _, oldest = self._known.popitem(last=False)
            self._bytes -= oldest.resident_bytes
