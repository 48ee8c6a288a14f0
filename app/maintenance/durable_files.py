"""Files that are on disk when a call returns, and are never half of what they were to be."""

import os
import tempfile
from pathlib import Path

PRIVATE = 0o600
"""The mode of a file for its owner's eyes only."""


def append(handle: int, end: int, content: bytes) -> None:
    """Add to a file that ends at `end`: all of it, or nothing. Raises OSError."""
    try:
        while content:
            content = content[os.write(handle, content) :]
        os.fsync(handle)
    except OSError:
        os.ftruncate(handle, end)
        raise


def put(file: Path, content: bytes, mode: int = PRIVATE) -> None:
    """Write a file, in the place of what has its name: all of it, or nothing. Raises OSError."""
    with tempfile.NamedTemporaryFile(dir=file.parent, prefix=".", delete=False) as part:
        try:
            part.write(content)
            part.flush()
            os.fchmod(part.fileno(), mode)
            os.fsync(part.fileno())
            os.replace(part.name, file)
        except BaseException:
            os.unlink(part.name)
            raise
    sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Return when the names in a folder are on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
