"""Files that hold a secret: read only if no other account can read them."""

import os
import stat
from pathlib import Path

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class UnusableFile(Exception):
    """The file of a secret is not usable; the message says why, and what to do."""


def read_secret(path: Path) -> str:
    """The text of a file. Raises UnusableFile, OSError, or UnicodeDecodeError."""
    with path.open() as file:
        _require_unshared(path, os.fstat(file.fileno()))
        return file.read()


def require_unshared(path: Path) -> None:
    """Refuse a file of this account that others may open, as ssh does. Raises UnusableFile."""
    _require_unshared(path, path.stat())


def _require_unshared(path: Path, found: os.stat_result) -> None:
    # A file of another account is that account's affair: an orchestrator mounts its secrets so.
    if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and found.st_mode & _OTHERS:
        mode = stat.S_IMODE(found.st_mode)
        raise UnusableFile(
            f"{path} holds a secret and other accounts can open it (its mode is {mode:04o}): "
            f"chmod 600 {path}"
        )
