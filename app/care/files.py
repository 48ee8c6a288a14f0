"""The files of exports: lines of NDJSON, compressed with Zstandard if the name ends in `.zst`.

A compressed file has a frame for each block of lines, so that one that was broken off can be taken
up behind its last whole block.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from app.maintenance.durable_files import sync_folder

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

COMPRESSED = ".zst"
MAX_LINE = 64 * 1024 * 1024
_CHUNK = 1024 * 1024
_LEVEL = 6


class CutOff(Exception):
    """A file ends in the middle of a line, or of what is compressed."""


class Partial:
    """A file that is written under another name until it is whole."""

    def __init__(self, path: Path) -> None:
        """Nothing is opened yet. What an earlier run left is taken up if that is asked for."""
        self._path = path
        self._part = path.with_name(f"{path.name}.part")
        self._compressed = path.suffix == COMPRESSED
        self._file: BinaryIO | None = None

    @property
    def exists(self) -> bool:
        """Whether an earlier run left its beginning."""
        return self._part.exists()

    def blocks(self) -> Iterator[tuple[int, Sequence[bytes]]]:
        """The whole blocks of that beginning, each with the offset of its end."""
        with self._part.open("rb") as file:
            yield from _frames(file) if self._compressed else _whole_lines(file)

    def open(self, offset: int) -> None:
        """Go on behind an offset; what follows it is dropped. Raises OSError."""
        descriptor = os.open(self._part, os.O_RDWR | os.O_CREAT, 0o600)
        self._file = os.fdopen(descriptor, "r+b")
        self._file.truncate(offset)
        self._file.seek(offset)

    def write(self, block: Sequence[bytes]) -> None:
        """Append a block. Raises OSError."""
        assert self._file is not None, "open() comes first"
        text = b"".join(block)
        self._file.write(zstd.compress(text, level=_LEVEL) if self._compressed else text)

    def finish(self) -> None:
        """Give the file its name, once it is on disk."""
        assert self._file is not None, "open() comes first"
        with self._file as file:
            file.flush()
            os.fsync(file.fileno())
        self._part.rename(self._path)
        sync_folder(self._path.parent)

    def close(self) -> None:
        """Leave what there is for the next run."""
        if self._file is not None:
            self._file.close()


@contextmanager
def lines_of(path: Path | None) -> Iterator[Iterator[bytes]]:
    """The lines of a file, or of standard input. Their iterator raises CutOff."""
    if path is None:
        yield _lines(sys.stdin.buffer)
    elif path.suffix == COMPRESSED:
        with zstd.open(path, "rb") as file:
            yield _lines(file)
    else:
        with path.open("rb") as plain:
            yield _lines(plain)


def _lines(file: BinaryIO | zstd.ZstdFile) -> Iterator[bytes]:
    try:
        while line := file.readline(MAX_LINE):
            if not line.endswith(b"\n"):
                raise CutOff("it ends in the middle of a line")
            yield line
    except (EOFError, zstd.ZstdError) as error:
        raise CutOff(f"what is compressed there cannot be read: {error}") from error


def _whole_lines(file: BinaryIO) -> Iterator[tuple[int, Sequence[bytes]]]:
    offset = 0
    for line in file:
        if not line.endswith(b"\n"):
            return
        offset += len(line)
        yield offset, [line]


def _frames(file: BinaryIO) -> Iterator[tuple[int, Sequence[bytes]]]:
    """The whole frames of a compressed file, which this module wrote: each fits in memory."""
    decompressor, text, read, rest = zstd.ZstdDecompressor(), b"", 0, b""
    while chunk := rest or file.read(_CHUNK):
        read += 0 if rest else len(chunk)
        rest = b""
        try:
            text += decompressor.decompress(chunk)
        except zstd.ZstdError:
            return
        if decompressor.eof:
            rest = decompressor.unused_data
            yield read - len(rest), text.splitlines(keepends=True)
            decompressor, text = zstd.ZstdDecompressor(), b""
