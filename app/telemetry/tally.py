"""Counts refused input, so that a flood of it is a few lines: one a reason, address and minute."""

import time
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from app.telemetry import security
from app.telemetry.security import Attempt

_MINUTE_S = 60.0
_MOST = 200
"""Reasons and addresses that are told apart; those of further addresses have lines without one."""
_Key = tuple[int | None, str, str | None]


class _Held(Struct):
    last: Attempt
    until: float
    count: int = 0
    """Since the last line."""


class Tally:
    """The refused input of one worker: the first is a line at once, those after it are counted."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds."""
        self._clock = clock
        self._held: dict[_Key, _Held] = {}

    def add(self, attempt: Attempt) -> None:
        """Write the line of an attempt, or count it if there was one of its kind in this minute."""
        held = self._held.get(_key(attempt))
        if held is None and len(self._held) >= _MOST:
            attempt = replace(attempt, address=None)
            held = self._held.get(_key(attempt))
        if held is None:
            self._held[_key(attempt)] = _Held(attempt, self._clock() + _MINUTE_S)
            security.write(replace(attempt, count=1))
        else:
            held.last = attempt
            held.count += 1

    def write_due(self, *, everything: bool = False) -> None:
        """Write the lines of minutes that are over, or of all of them: the worker ends."""
        now = self._clock()
        for key, held in list(self._held.items()):
            if now < held.until and not everything:
                continue
            if held.count == 0:
                del self._held[key]
                continue
            security.write(replace(held.last, count=held.count))
            held.count, held.until = 0, now + _MINUTE_S


def _key(attempt: Attempt) -> _Key:
    return attempt.status, attempt.reason, attempt.address
