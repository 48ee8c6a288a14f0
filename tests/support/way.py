"""The folders that a request goes through: recorded at every call, as they are entered."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from types import FrameType

from app.database.pool import Pool

ROOT = Path(__file__).parents[2]
_ENDS_IN = {Pool.fetch.__code__, Pool.ask.__code__}
"""Where a request reaches the database: the way out begins."""


class Way:
    """The folders in the order in which functions in them are called, each stay once."""

    def __init__(self) -> None:
        """Nothing was called yet."""
        self._calls: list[str] = []
        self._frames: set[FrameType] = set()
        self._asked: list[int] = []

    @property
    def stays(self) -> list[str]:
        """The whole way, in and out."""
        return [folder for folder, _ in groupby(self._calls)]

    @property
    def way_in(self) -> list[str]:
        """Until the last statement: an append, or what a reading request asks for."""
        end = self._asked[-1] if self._asked else len(self._calls)
        return [folder for folder, _ in groupby(self._calls[:end])]

    @property
    def folders(self) -> list[str]:
        """Those of the way in, each where it is entered first."""
        return list(dict.fromkeys(self.way_in))

    @property
    def statements(self) -> int:
        """How often the database was asked."""
        return len(self._asked)

    def see(self, frame: FrameType, event: str, _argument: object) -> None:
        """Note a call; what `sys.setprofile` calls."""
        # A coroutine that goes on is a call to the profiler, in the frame of its first one.
        if event != "call" or frame in self._frames:
            return
        folder = folder_of(frame.f_code.co_filename)
        if folder is None:
            return
        self._frames.add(frame)
        if frame.f_code in _ENDS_IN:
            self._asked.append(len(self._calls))
        self._calls.append(folder)


@contextmanager
def recorded() -> Iterator[Way]:
    """The way of what happens within."""
    way = Way()
    sys.setprofile(way.see)
    try:
        yield way
    finally:
        sys.setprofile(None)


def folder_of(file: str) -> str | None:
    """`app/log/read.py` is in `log`, a face's module in `faces/evo`; None is not ours."""
    path = Path(file)
    if not path.is_relative_to(ROOT):
        return None
    parts = path.relative_to(ROOT).with_suffix("").parts
    match parts:
        case ("app", "faces", face, *_):
            return f"faces/{face}"
        case ("app", folder, *_):
            return folder
        case ("domain" | "projections" as package, *_):
            return package
    return None
