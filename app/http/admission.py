"""Admission of requests by the time that a worker's event loop takes to come round.

Whatever a request waits for has a limit of its own; what is left is the loop itself. A pass of it
runs everybody who can go on, and a newcomer waits for some passes. So how many may be in flight is
derived from the passes: as many as one pass can serve in the time that it may take. As in CoDel,
one long pass says nothing (a machine that pauses); passes that go on taking long do.

Requests that came long ago are not counted: they wait for something else, such as the rest of
their body, a list, or news.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable

from app.concurrency.expected_wait import TooManyBefore
from app.service import Service

_PASSES = 8
"""A request that can go on all the time is answered within so many passes."""


class Admission:
    """Refuses newcomers while a worker has more to do than it gets done."""

    def __init__(self, service: Service, clock: Callable[[], float] = time.monotonic) -> None:
        """`service`: of the worker; `clock` counts seconds."""
        self._service = service
        self._queues = service.log.queues
        self._limits = service.settings.admission
        self._clock = clock
        self._most = math.inf
        """Requests at work, from which on newcomers are refused."""
        self._newcomers = 0
        self._before = deque([0] * _PASSES, maxlen=_PASSES)
        """The newcomers of this pass, and of each one before it."""
        self._began: float | None = None
        """When the present pass began to be measured; None while there is little to do."""
        self._ended = 0.0
        self._slow_since: float | None = None

    def require_room(self, *, is_safe: bool) -> None:
        """Raise TooManyBefore if a request would have to wait for too long; `is_safe`: a read."""
        if self._service.in_flight >= self._limits.in_flight:
            if self._began is None:
                self._begin(self._clock())
            if self._at_work() >= self._most:
                raise TooManyBefore("The service has more to do than it can: try again")
            self._newcomers += 1
        # Earlier than the queue itself refuses: after half of the work, it would be for nothing.
        if not is_safe and all([queue.is_crowded for queue in self._queues]):
            raise TooManyBefore("Too many commands wait for the database: try again")

    def _at_work(self) -> int:
        """How many requests are being worked on, and do not wait for something else."""
        return min(self._service.in_flight, self._newcomers + sum(self._before))

    def _begin(self, now: float) -> None:
        """There is much to do; after a pause, what was measured before it means nothing."""
        if now - self._ended > self._limits.persist_s:
            self._most, self._slow_since = math.inf, None
            self._newcomers = self._limits.in_flight
        self._measure(now)

    def _measure(self, now: float) -> None:
        """See when the loop comes round again; not at once, lest a loop that waits should spin."""
        self._began = now
        asyncio.get_running_loop().call_later(self._limits.pass_s / 4, self._passed)

    def _passed(self) -> None:
        assert self._began is not None  # it was measured
        limits, now, at_work = self._limits, self._clock(), self._at_work()
        took_s = now - self._began
        fitting = max(limits.in_flight, at_work * limits.pass_s / took_s)
        if took_s <= limits.pass_s:
            self._slow_since = None
            # (Not more at a time: a flood that waits outside would come in as a whole.)
            self._most = min(2 * self._most, max(self._most, fitting))
        elif self._slow_since is None:
            self._slow_since = now
        elif now - self._slow_since >= limits.persist_s:
            self._most = fitting
        self._before.append(self._newcomers)
        self._newcomers = 0
        self._began = None
        self._ended = now
        if self._service.in_flight >= limits.in_flight:
            self._measure(now)
