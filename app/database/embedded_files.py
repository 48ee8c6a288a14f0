"""Files of the embedded PostgreSQL, and the folders on the way to them."""

import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil


class EmbeddedUnavailable(OSError):
    """The embedded PostgreSQL is unavailable; an OSError, as for any unreachable database."""


@contextmanager
def explained(home: Path) -> Iterator[None]:
    """Turn errors of the operating system into EmbeddedUnavailable."""
    try:
        yield
    except EmbeddedUnavailable:
        raise
    except (OSError, KeyError, psutil.Error, subprocess.SubprocessError) as error:
        raise EmbeddedUnavailable(f"PostgreSQL in {home} cannot be used: {error}") from error


def let_through(*folders: Path) -> None:
    """Let PostgreSQL's account pass through to these folders, if root keeps it out.

    Grants passing (x), not listing (r). The wheel's `ensure_prefix_permissions` would also allow
    listing to everybody, even in /root.
    """
    for passed in {passed for folder in folders for passed in (folder, *folder.parents)}:
        mode = stat.S_IMODE(passed.stat().st_mode)
        if not mode & stat.S_IXOTH:
            passed.chmod(mode | stat.S_IXOTH)
