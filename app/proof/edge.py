"""The right edge of a partition's tree, and the rows of hashes (tiles) that grow with it."""

from collections.abc import Iterable
from typing import Self

from msgspec import Struct

from app.proof.trees import HASH_BYTES, Frontier

TILE = 256
"""Hashes in a row of a level, at most. A full row is one hash of the next level."""
_BITS = 8


class Grown(Struct, frozen=True):
    """What is added to the rows of hashes; one entry of each list for one row."""

    levels: list[int]
    indexes: list[int]
    before: list[int]
    """Bytes that the row had."""
    hashes: list[bytes]


class Edge:
    """A tree of which only the roots of whole subtrees are known: it can grow, and has a root.

    Each level has the hashes of its last row, folded.
    """

    __slots__ = ("_levels", "size")

    def __init__(self) -> None:
        """An empty tree."""
        self.size = 0
        self._levels: list[Frontier] = []

    @classmethod
    def loaded(cls, size: int, frontier: bytes) -> Self | None:
        """The edge of a tree, as `frontier` gives it; None if it has not so many hashes."""
        found, at = cls(), 0
        if len(frontier) != HASH_BYTES * size.bit_count():
            return None
        found.size = size
        for level in reversed(range((size.bit_length() + _BITS - 1) // _BITS)):
            row = Frontier()
            row.size = size >> level * _BITS & TILE - 1
            for _ in range(row.size.bit_count()):
                row.hashes.append(frontier[at : at + HASH_BYTES])
                at += HASH_BYTES
            found._levels.insert(0, row)
        return found

    def copy(self) -> "Edge":
        """Another one that grows by itself."""
        made = Edge()
        made.size = self.size
        for row in self._levels:
            twin = Frontier()
            twin.size, twin.hashes = row.size, [*row.hashes]
            made._levels.append(twin)
        return made

    def frontier(self) -> bytes:
        """The roots of whole subtrees, the largest first."""
        return b"".join(self._hashes())

    def root(self) -> bytes:
        """The tree's root."""
        whole = Frontier()
        whole.hashes = self._hashes()
        return whole.root()

    def add(self, leaves: bytes, added: list[bytearray]) -> None:
        """Grow by hashes of leaves, one behind the other; `added` gets the new ones of each level.

        0.5 µs a leaf.
        """
        self.size += len(leaves) // HASH_BYTES
        level, new = 0, leaves
        while new:
            if level == len(self._levels):
                self._levels.append(Frontier())
            if level == len(added):
                added.append(bytearray())
            added[level] += new
            level, new = level + 1, _folded(self._levels[level], new)

    def _hashes(self) -> list[bytes]:
        return [each for row in reversed(self._levels) for each in row.hashes]


def _folded(row: Frontier, hashes: bytes) -> bytes:
    """Add hashes of a level to its last row; the hashes of the rows that are full then."""
    at, full = 0, list[bytes]()
    while at < len(hashes):
        part = hashes[at : at + (TILE - row.size) * HASH_BYTES]
        row.extend(part)
        at += len(part)
        if row.size == TILE:
            full += row.hashes
            row.size, row.hashes = 0, []
    return b"".join(full)


def rows_of(size: int, added: Iterable[bytearray]) -> Grown:
    """What hashes add to the rows of a tree that had a size before."""
    grown = Grown([], [], [], [])
    for level, hashes in enumerate(added):
        first = size >> level * _BITS
        at = 0
        while at < len(hashes):
            index, before = divmod(first + at // HASH_BYTES, TILE)
            part = bytes(hashes[at : at + (TILE - before) * HASH_BYTES])
            grown.levels.append(level)
            grown.indexes.append(index)
            grown.before.append(before * HASH_BYTES)
            grown.hashes.append(part)
            at += len(part)
    return grown
