"""Background work of a worker: all of its time while nobody calls, else a share."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from time import perf_counter
from typing import TypeVar

T = TypeVar("T")
_BUSY_S = 0.25
"""Seconds for which a worker counts as busy after a request."""


class Pace:
    """Makes way for requests between two slices of background work."""

    def __init__(self, share: float, answered: Callable[[], int]) -> None:
        """`share`: of the time, at most, while requests come; `answered`: how many came so far."""
        self._rest = (1 - share) / share
        self._answered = answered
        self._before = answered()
        self._busy_until = 0.0

    async def each(self, slices: Iterable[T]) -> AsyncIterator[T]:
        """The slices, with a pause after the work that each of them takes to make and to use."""
        started = perf_counter()
        for each in slices:
            yield each
            await self.spent(perf_counter() - started)
            started = perf_counter()

    async def spent(self, own_s: float) -> None:
        """Let others go first, after so many seconds of work."""
        await asyncio.sleep(own_s * self._rest if self._is_busy() else 0)

    def _is_busy(self) -> bool:
        now, answered = perf_counter(), self._answered()
        if answered != self._before:
            self._before, self._busy_until = answered, now + _BUSY_S
        return now < self._busy_until
