"""How long a newcomer will wait in a queue: what bounds every queue of a worker.

A length would have to fit the slowest database and the fastest. So a queue is full when its last
one would wait for longer than its callers may wait, at the pace of those who were served lately.
"""

import time

_REMEMBERED = 8
"""How many of those served last count, roughly."""
_HALF_LIFE_S = 1.0
"""After so long without anybody served, the pace counts for half: a queue that was slow once, and
refuses all, would never learn that it is fast again."""


class TooManyBefore(Exception):
    """A caller waited too long behind others, or would have to. Nothing was done."""


class ExpectedWait:
    """The pace of a queue, by how long each of those served lately kept its place."""

    __slots__ = ("_last", "_served_s")

    def __init__(self) -> None:
        """Nobody was served yet, so nobody is refused yet."""
        self._served_s = 0.0
        self._last = 0.0

    def served(self, seconds: float) -> None:
        """Take into account for how long somebody kept a place."""
        self._served_s += (seconds - self._served_s) / _REMEMBERED
        self._last = time.monotonic()

    def is_too_long(self, before: float, limit_s: float | None) -> bool:
        """Whether a newcomer would wait for longer than `limit_s`; None: any wait is fine.

        `before`: those who come first, for each place at which they are served.
        """
        if limit_s is None or before * self._served_s <= limit_s:
            return False
        age_s = time.monotonic() - self._last
        counts: float = 0.5 ** (age_s / _HALF_LIFE_S)
        return before * self._served_s * counts > limit_s

    def require_room(self, before: float, limit_s: float | None) -> None:
        """Raise TooManyBefore if a newcomer's wait `is_too_long`."""
        if self.is_too_long(before, limit_s):
            raise TooManyBefore("Too many others are before this one")
