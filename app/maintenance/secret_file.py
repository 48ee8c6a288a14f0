"""Files that hold a secret: read only if no other account can read them."""

import os
import stat
from pathlib import Path

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class UnusableFile(Exception):
    """The file of a secret is not usable; the message says why, and what to do."""


def read_secret(path: Path) -> str:
    """The text of a file. Raises UnusableFile, OSError, or UnicodeDecodeError.

    As ssh does, it refuses a file of this account that others may read. A file of another account
    is not refused: that account decides (an orchestrator mounts its secrets so).
    """
    with path.open() as file:
        found = os.fstat(file.fileno())
        if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and found.st_mode & _OTHERS:
            mode = stat.S_IMODE(found.st_mode)
            raise UnusableFile(
                f"{path} holds a secret and other accounts can open it (its mode is {mode:04o}): "
                f"chmod 600 {path}"
            )
        return file.read()
