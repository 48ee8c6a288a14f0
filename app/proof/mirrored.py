"""The hashes of leaves from a mirror of a log: a folder of static tiles (C2SP tlog-tiles).

Only the standard library is imported: this is a part of the verifier that is handed out.
"""

from pathlib import Path

from app.proof.trees import HASH_BYTES, Unproven

_TILE = 256
_MOST = _TILE * HASH_BYTES


def hashes_in_tiles(folder: Path, partition: int, size: int) -> bytes:
    """The hashes of a partition's first leaves, or as many of them as the mirror has.

    The folder is what stands before `/tile/0/000`, or before the partition's number there. Raises
    Unproven for a tile that is none, OSError.
    """
    own = folder / str(partition)
    rows = (own if own.is_dir() else folder) / "tile" / "0"
    if not rows.is_dir():
        raise Unproven(f"{folder} has no tiles of partition {partition}: there is no {rows}")
    found = bytearray()
    while len(found) < size * HASH_BYTES:
        row = _row(rows, len(found) // _MOST)
        found += row
        if len(row) < _MOST:
            break
    return bytes(found[: size * HASH_BYTES])


def _row(rows: Path, index: int) -> bytes:
    """A whole row, else the widest of its beginnings."""
    path = rows / _path(index)
    widths = [int(each.name) for each in Path(f"{path}.p").glob("*") if each.name.isdecimal()]
    files = [(path, _TILE)] if path.is_file() else []
    files += [(Path(f"{path}.p") / str(width), width) for width in sorted(widths)[-1:]]
    for file, width in files[:1]:
        with file.open("rb") as opened:
            row = opened.read(_MOST + 1)
        if len(row) != width * HASH_BYTES or width > _TILE:
            raise Unproven(f"{file} is no tile of {width} hashes: it has {len(row)} bytes or more")
        return row
    return b""


def _path(index: int) -> str:
    last, parts = f"{index % 1000:03}", list[str]()
    while index := index // 1000:
        parts.insert(0, f"x{index % 1000:03}")
    return "/".join([*parts, last])
