"""Folded aggregates in memory, bounded in bytes; those not used for longest go first."""

from collections import OrderedDict
from typing import Any
from uuid import UUID

from msgspec import Struct

from app.log.keyring import StreamCipher
from domain.ids import StreamId
from projections.fold import Folded

_OVERHEAD_BYTES = 3_600
"""Of a remembered aggregate beside its document: its cipher (2,500), its Structs, its place here.

As resident memory grows by it; the cipher's part is OpenSSL's, which Python does not count.
"""
_BYTES_A_CHARACTER = 2
"""Of a document that was read: 1.2 where it is Latin, 2 in most other scripts."""


class Snapshot(Struct, frozen=True):
    """A folded aggregate, and the box of its personal fields; empty for a stream without events."""

    folded: Folded[Any] | None = None
    last: UUID | None = None
    """Id of the event at its version: two logs can have other events at the same one."""
    box: StreamCipher | None = None
    doc_bytes: int = 0

    @property
    def resident_bytes(self) -> int:
        """What it takes in memory, roughly."""
        return self.doc_bytes * _BYTES_A_CHARACTER + _OVERHEAD_BYTES


class SnapshotCache:
    """Remembers aggregates by kind and stream: an id alone does not say of what.

    Our own, because `cachetools.LRUCache` took a tenth of a whole command's processor time.
    """

    def __init__(self, most_bytes: int) -> None:
        """Empty."""
        self._most_bytes = most_bytes
        self._bytes = 0
        self._known: OrderedDict[tuple[str, int], Snapshot] = OrderedDict()

    def get(self, kind: str, stream: StreamId) -> Snapshot | None:
        """What is known of a stream of a kind; None if nothing is."""
        key = kind, stream.int
        known = self._known.get(key)
        if known is not None:
            self._known.move_to_end(key)
        return known

    def clear(self) -> None:
        """Know nothing any longer."""
        self._known.clear()
        self._bytes = 0

    def remember(self, kind: str, stream: StreamId, known: Snapshot) -> None:
        """Keep an aggregate, unless it is so large that it would drive out many others."""
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
