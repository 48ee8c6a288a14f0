"""Admission of requests by the time that a worker's event loop takes to come round.

Whatever a request waits for has a limit of its own; what is left is the loop itself. A pass of it
runs everybody who can go on. The more these are, the longer each newcomer waits, and nobody counts
them: so the pass is measured. As in CoDel, one that takes long says nothing (a collection of
garbage, a machine that pauses); passes that go on taking long do.
"""

import asyncio
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
        self._began: float | None = None
        self._took_s = 0.0
        self._ended = 0.0
        self._slow_since: float | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def require_room(self, *, is_safe: bool) -> None:
        """Raise TooManyBefore if a request would have to wait for too long; `is_safe`: a read."""
        now = self._clock()
        if self._began is None:
            self._begin(now)
        if self._service.in_flight >= self._limits.in_flight and self._is_overloaded(now):
            raise TooManyBefore("The service has more to do than it can: try again")
        # Earlier than the queue itself refuses: after half of the work, it would be for nothing.
        if not is_safe and all([queue.is_crowded for queue in self._queues]):
            raise TooManyBefore("Too many commands wait for the database: try again")

    def _begin(self, now: float) -> None:
        """The first newcomer of a pass: the next pass tells how long this one took."""
        if now - self._ended > self._limits.pass_s:
            self._slow_since = None  # nobody came for a while, so nobody could tell
        self._began = now
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        self._loop.call_soon(self._passed)

    def _passed(self) -> None:
        assert self._began is not None  # that is why this was called
        self._ended = self._clock()
        self._took_s = self._ended - self._began
        self._began = None
        if self._took_s <= self._limits.pass_s / 2:
            self._slow_since = None
        elif self._slow_since is None and self._took_s > self._limits.pass_s:
            self._slow_since = self._ended

    def _is_overloaded(self, now: float) -> bool:
        """Whether passes have been taking long, and the last one or this one does, too."""
        limits, since = self._limits, self._slow_since
        if since is None or now - since < limits.persist_s:
            return False
        return self._took_s > limits.pass_s or now - (self._began or now) > limits.pass_s
