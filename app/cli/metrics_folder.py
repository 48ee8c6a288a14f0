"""A folder in which several worker processes add up their metrics; it lasts as long as they do."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "sessionary-metrics-"


@contextmanager
def metrics_folder() -> Iterator[str]:
    """A new folder, removed at the end; folders left by killed services are removed as well."""
    _clear_away()
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as folder, _locked(folder, fcntl.LOCK_SH):
        yield folder


def _clear_away() -> None:
    for found in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        # A folder in use is locked, and one of another account is left to that.
        with suppress(OSError), _locked(found, fcntl.LOCK_EX | fcntl.LOCK_NB):
            shutil.rmtree(found)


@contextmanager
def _locked(folder: str | Path, how: int) -> Iterator[None]:
    """The kernel drops the lock with this process, however it ends."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(opened).st_uid != os.geteuid():
            raise PermissionError(f"{folder} belongs to another account")
        fcntl.flock(opened, how)
        yield
    finally:
        os.close(opened)
