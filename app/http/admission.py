"""Admission of requests by the time that a worker's event loop takes to come round.

Whatever a request waits for has a limit of its own; what is left is the loop itself. A pass of it
runs everybody who can go on, and a newcomer waits for some passes. So how many may be in flight is
derived from the passes: as many as one pass can serve in the time that it may take. As in CoDel,
one long pass says nothing (a machine that pauses); passes that go on taking long do.
"""

import asyncio
import math
import time
from collections.abc import Callable

from app.concurrency.expected_wait import TooManyBefore
from app.service import Service


class Admission:
    """Refuses newcomers while a worker has more to do than it gets done."""

    def __init__(self, service: Service, clock: Callable[[], float] = time.monotonic) -> None:
        """`service`: of the worker; `clock` counts seconds."""
        self._service = service
        self._queues = service.log.queues
        self._limits = service.settings.admission
        self._clock = clock
        self._most = math.inf
        """Requests in flight, from which on newcomers are refused."""
        self._began: float | None = None
        """When the present pass began to be measured; None while there is little to do."""
        self._ended = 0.0
        self._slow_since: float | None = None

    def require_room(self, *, is_safe: bool) -> None:
        """Raise TooManyBefore if a request would have to wait for too long; `is_safe`: a read."""
        in_flight = self._service.in_flight
        if in_flight >= self._limits.in_flight:
            if self._began is None:
                self._begin(self._clock())
            if in_flight >= self._most:
                raise TooManyBefore("The service has more to do than it can: try again")
        # Earlier than the queue itself refuses: after half of the work, it would be for nothing.
        if not is_safe and all([queue.is_crowded for queue in self._queues]):
            raise TooManyBefore("Too many commands wait for the database: try again")

    def _begin(self, now: float) -> None:
        """There is much to do; after a pause, what was measured before it means nothing."""
        if now - self._ended > self._limits.persist_s:
            self._most, self._slow_since = math.inf, None
        self._measure(now)

    def _measure(self, now: float) -> None:
        """See when the loop comes round again; not at once, lest a loop that waits should spin."""
        self._began = now
        asyncio.get_running_loop().call_later(self._limits.pass_s / 4, self._passed)

    def _passed(self) -> None:
        assert self._began is not None  # it was measured
        limits, now, in_flight = self._limits, self._clock(), self._service.in_flight
        took_s = now - self._began
        fitting = max(limits.in_flight, in_flight * limits.pass_s / took_s)
        if took_s <= limits.pass_s:
            self._slow_since = None
            # (Not more at a time: a flood that waits outside would come in as a whole.)
            self._most = min(2 * self._most, max(self._most, fitting))
        elif self._slow_since is None:
            self._slow_since = now
        elif now - self._slow_since >= limits.persist_s:
            self._most = fitting
        self._began = None
        self._ended = now
        if in_flight >= limits.in_flight:
            self._measure(now)
