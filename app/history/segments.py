"""Sets of positions within a segment of a partition, as the index of events keeps them.

A set is stored as packed offsets, two bytes each, or as a bitmap where that is not longer.
"""

from array import array
from collections.abc import Iterator, Sequence
from sys import byteorder

POSITIONS = 8_192
"""Positions of a segment."""
BITMAP_BYTES = POSITIONS // 8
_OFFSET_BYTES = 2


def place(position: int) -> tuple[int, int]:
    """The segment of a position, and its offset there. Positions count from 1."""
    return divmod(position - 1, POSITIONS)


def position_at(segment: int, offset: int) -> int:
    """The position of an offset in a segment."""
    return segment * POSITIONS + offset + 1


def joined(stored: bytes, offsets: Sequence[int]) -> bytes:
    """A stored set with further offsets, which are not in it."""
    packed = len(stored) < BITMAP_BYTES
    if packed and len(stored) + len(offsets) * _OFFSET_BYTES < BITMAP_BYTES:
        return stored + _packed(offsets)
    bits = int.from_bytes(stored, "little") if not packed else _bits(_unpacked(stored))
    return (bits | _bits(offsets)).to_bytes(BITMAP_BYTES, "little")


def without(stored: bytes, offsets: Sequence[int]) -> bytes:
    """A stored set without some offsets, whether they are in it or not."""
    bits = bits_of(stored) & ~_bits(offsets)
    if bits.bit_count() * _OFFSET_BYTES < BITMAP_BYTES:
        return _packed(list(offsets_of(bits, newest_first=False)))
    return bits.to_bytes(BITMAP_BYTES, "little")


def bits_of(stored: bytes) -> int:
    """A stored set as a number with a bit for each offset."""
    if len(stored) < BITMAP_BYTES:
        return _bits(_unpacked(stored))
    return int.from_bytes(stored, "little")


def up_to(offset: int) -> int:
    """The set of all offsets up to one; of none if it is negative."""
    return (1 << offset + 1) - 1


def offsets_of(bits: int, *, newest_first: bool) -> Iterator[int]:
    """The offsets of a set, in order."""
    while bits:
        offset = bits.bit_length() - 1 if newest_first else (bits & -bits).bit_length() - 1
        yield offset
        bits ^= 1 << offset


def _bits(offsets: Sequence[int]) -> int:
    bitmap = bytearray(BITMAP_BYTES)
    for offset in offsets:
        bitmap[offset >> 3] |= 1 << (offset & 7)
    return int.from_bytes(bitmap, "little")


def _packed(offsets: Sequence[int]) -> bytes:
    packed = array("H", offsets)
    if byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def _unpacked(stored: bytes) -> Sequence[int]:
    packed = array("H", stored)
    if byteorder == "big":
        packed.byteswap()
    return packed
