"""The tree over a partition: its roots, and proofs of inclusion and of consistency, from its rows.

The rows of hashes are made by a follower. A root is that of the tree at any size up to the present.
"""

from collections.abc import Iterator, Mapping, Sequence

from app.database.sql import blocks
from app.log.read import Asks
from app.proof.edge import TILE, Edge
from app.proof.trees import EMPTY_ROOT, HASH_BYTES, Frontier

SQL = blocks(__file__)
_BITS = 8
_Range = tuple[int, int]
"""Leaves: from an index up to before another."""
_Node = tuple[int, int]
"""A whole subtree: its height, and its number at that height."""
_Tiles = Mapping[tuple[int, int], bytes]


class TreeDamaged(Exception):
    """The tree's rows lack hashes that belong there; the message says which."""


async def size_of(store: Asks, partition: int) -> int:
    """The position up to which the tree goes; 0: there is none yet. Raises StoreDown."""
    rows = await store.ask(SQL["size"], partition)
    return int(rows[0]["size"]) if rows else 0


async def loaded(store: Asks, partition: int) -> tuple[Edge | None, bool] | None:
    """The edge, and whether the log has the tree's last event in its place; None: no tree yet.

    The edge is None if its row is damaged. Raises StoreDown.
    """
    rows = await store.ask(SQL["edge"], partition)
    if not rows:
        return None
    return Edge.loaded(rows[0]["size"], bytes(rows[0]["frontier"])), rows[0]["is_of_log"]


async def edge_of(store: Asks, partition: int) -> tuple[int, bytes]:
    """The position up to which the tree goes, and the roots of its whole subtrees.

    Raises StoreDown.
    """
    rows = await store.ask(SQL["edge"], partition)
    return (rows[0]["size"], bytes(rows[0]["frontier"])) if rows else (0, b"")


async def roots(store: Asks, partition: int, sizes: Sequence[int]) -> list[bytes]:
    """The roots at sizes up to that of the tree. Raises TreeDamaged, StoreDown."""
    return await _hashes(store, partition, [(0, size) for size in sizes])


async def inclusion(store: Asks, partition: int, index: int, size: int) -> list[bytes]:
    """The path of RFC 9162 of a leaf in the tree of a size, which is larger than the index.

    Raises TreeDamaged, StoreDown.
    """
    return await _hashes(store, partition, list(_path(index, 0, size)))


async def consistency(store: Asks, partition: int, old: int, new: int) -> list[bytes]:
    """The proof of RFC 9162 that a tree goes on from an older one. Raises as `inclusion`."""
    if old in (0, new):
        return []
    return await _hashes(store, partition, list(_rest(old, 0, new, is_known=True)))


async def edge_at(store: Asks, partition: int, size: int) -> Edge:
    """The right edge of the tree at a size. Raises TreeDamaged, StoreDown."""
    parts = [(number << height, number + 1 << height) for height, number in _nodes((0, size))]
    found = Edge.loaded(size, b"".join(await _hashes(store, partition, parts)))
    assert found is not None  # a hash for each part
    return found


async def tiles(
    store: Asks, partition: int, levels: Sequence[int], indexes: Sequence[int]
) -> Mapping[tuple[int, int], bytes]:
    """Rows of hashes by level and number, as far as there are. Raises StoreDown."""
    rows = await store.ask(SQL["tiles"], partition, list(levels), list(indexes))
    return {(row["level"], row["tile_index"]): bytes(row["hashes"]) for row in rows}


async def tile(store: Asks, partition: int, level: int, index: int) -> bytes:
    """The hashes of a row, as far as there are; empty: there is none. Raises StoreDown."""
    return (await tiles(store, partition, [level], [index])).get((level, index), b"")


def _path(index: int, start: int, end: int) -> Iterator[_Range]:
    """The subtrees beside a leaf, the nearest first."""
    if end - start == 1:
        return
    middle = start + _half(end - start)
    if index < middle:
        yield from _path(index, start, middle)
        yield middle, end
    else:
        yield from _path(index, middle, end)
        yield start, middle


def _rest(old: int, start: int, end: int, *, is_known: bool) -> Iterator[_Range]:
    """The subtrees that show the older tree to be the beginning; `is_known`: its root is."""
    if old == end:
        if not is_known:
            yield start, end
        return
    middle = start + _half(end - start)
    if old <= middle:
        yield from _rest(old, start, middle, is_known=is_known)
        yield middle, end
    else:
        yield from _rest(old, middle, end, is_known=False)
        yield start, middle


def _half(leaves: int) -> int:
    """The greatest power of 2 below a number."""
    return 1 << (leaves - 1).bit_length() - 1


def _nodes(leaves: _Range) -> Iterator[_Node]:
    """The whole subtrees of which a range consists, the widest first."""
    start, end = leaves
    while start < end:
        height = (end - start).bit_length() - 1
        yield height, start >> height
        start += 1 << height


async def _hashes(store: Asks, partition: int, ranges: Sequence[_Range]) -> list[bytes]:
    wanted = {_tile_of(node) for each in ranges for node in _nodes(each)}
    levels, indexes = [level for level, _ in wanted], [index for _, index in wanted]
    found = await tiles(store, partition, levels, indexes)
    return [_root(found, each) for each in ranges]


def _root(rows: _Tiles, leaves: _Range) -> bytes:
    whole = Frontier()
    whole.hashes = [_hash(rows, node) for node in _nodes(leaves)]
    return whole.root() if whole.hashes else EMPTY_ROOT


def _tile_of(node: _Node) -> tuple[int, int]:
    height, number = node
    return height // _BITS, (number << height % _BITS) // TILE


def _hash(rows: _Tiles, node: _Node) -> bytes:
    """The hash of a whole subtree, from the row that holds it or its parts."""
    height, number = node
    level, index = _tile_of(node)
    count = 1 << height % _BITS
    first = (number << height % _BITS) % TILE
    part = rows.get((level, index), b"")[first * HASH_BYTES : (first + count) * HASH_BYTES]
    if len(part) != count * HASH_BYTES:
        raise TreeDamaged(f"The tree lacks hashes: row {index} of level {level} is not whole")
    row = Frontier()
    for at in range(0, len(part), HASH_BYTES):
        row.append(part[at : at + HASH_BYTES])
    return row.root()
