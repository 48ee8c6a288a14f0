"""Limits how often each caller may ask: a bucket of tokens for each name, filled at one rate."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

_KEPT = 4_096
"""Names that are remembered; of the longest unseen, the bucket is taken to be full."""


class TooOften(Exception):
    """A caller asks more often than its limit allows; a retry works after `retry_after_s`."""

    def __init__(self, rate: float, retry_after_s: int) -> None:
        """`rate`: requests a second."""
        self.retry_after_s = retry_after_s
        super().__init__(f"More than {rate:g} requests a second: ask again later")


class Rates:
    """The callers of one worker process; each process counts for itself."""

    def __init__(
        self, rate: float, burst_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`rate`: requests of each caller a second, on average.

        `burst_s`: how many seconds' requests may come at once. `clock` counts seconds.
        """
        self._rate = rate
        self._burst_s = burst_s
        self._clock = clock
        # When each bucket is full again: all there is to know about it (GCRA).
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def take(self, name: str) -> None:
        """Take a token of a caller. Raises TooOften if there is none."""
        now = self._clock()
        full_at = max(now, self._full_at.get(name, now)) + 1 / self._rate
        late_s = full_at - now - max(self._burst_s, 1 / self._rate)
        if late_s > 1e-9:
            raise TooOften(self._rate, math.ceil(late_s))
        self._full_at[name] = full_at
        self._full_at.move_to_end(name)
        if len(self._full_at) > _KEPT:
            self._full_at.popitem(last=False)
