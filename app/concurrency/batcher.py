"""Many callers, one round trip: entries that arrive during a batch share the next one."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from app.concurrency.expected_wait import ExpectedWait
from app.concurrency.outage import Outage
from app.concurrency.time_spent import SPENT, Phase, TimeSpent

T = TypeVar("T")
R = TypeVar("R")
_Waiting = tuple[T, asyncio.Future[R], TimeSpent | None, float]
"""An entry, its answer, the time of its request, and the moment of its arrival."""

FULL = 32
"""A batch of this many entries waits for no more, and is halved if there is a second lane."""


class Batcher(Generic[T, R]):
    """Sends the callers' entries in batches, in the order of arrival.

    With two lanes, the process can decide one batch while the database commits another.
    """

    def __init__(
        self,
        send: Callable[[Sequence[T]], Awaitable[Sequence[R | Exception]]],
        most: int,
        lanes: int = 1,
        wait_s: float | None = None,
    ) -> None:
        """`send` answers a batch entry by entry; `most`: entries per batch; `lanes`: batches.

        `wait_s`: an entry that would wait for longer is refused; None: none is.
        """
        self._send = send
        self._most = most
        self._lanes = lanes
        self._wait_s = wait_s
        self._pace = ExpectedWait()
        self._waiting: deque[_Waiting[T, R]] = deque()
        self._under_way = 0
        self._running: set[asyncio.Task[None]] = set()
        self._called = False
        self._seen = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    def submit(self, entry: T) -> asyncio.Future[R]:
        """The answer to an entry, once its batch is done. Raises the error from `send` for it.

        Raises TooManyBefore at once if the batches before it would take too long.

        The batch of an entry starts after the call: so a look-up sees all commits from before.
        """
        if len(self._waiting) >= self._most:
            before = len(self._waiting) / self._most / self._lanes
            self._pace.require_room(before, self._wait_s)
        loop = self._loop
        if loop is None:
            # Once only: in Python 3.11 it costs a system call.
            loop = self._loop = asyncio.get_running_loop()
        answer: asyncio.Future[R] = loop.create_future()
        self._waiting.append((entry, answer, SPENT.get(), time.perf_counter()))
        if not self._called:
            # Soon, not now: entries that arrive in the same turn of the loop join the batch.
            self._called = True
            loop.call_soon(self._start)
        return answer

    @property
    def waiting(self) -> int:
        """How many entries are in no batch yet."""
        return len(self._waiting)

    async def drain(self) -> None:
        """Return when no entry waits and no batch is under way."""
        while self._waiting or self._running:
            await asyncio.sleep(0)
            if self._running:
                await asyncio.wait(self._running)

    def _start(self) -> None:
        self._called = False
        waiting = self._waiting
        if self._seen < len(waiting) < FULL:
            # As long as each turn of the loop brings more, a round trip can carry more.
            self._seen = len(waiting)
            self._called = True
            asyncio.get_running_loop().call_soon(self._start)
            return
        self._seen = 0
        while waiting and len(self._running) < self._lanes:
            if len(waiting) < self._under_way:
                return  # a fuller batch after the present one is better
            size = min(len(waiting), self._most)
            if self._lanes > 1 and not self._running and size >= FULL:
                size = (size + 1) // 2
            batch = [waiting.popleft() for _ in range(size)]
            self._under_way += size
            self._running.add(asyncio.get_running_loop().create_task(self._carry(batch)))

    async def _carry(self, batch: list[_Waiting[T, R]]) -> None:
        SPENT.set(None)  # the task was made on behalf of one entry, but works for all
        size = len(batch)
        started = time.perf_counter()
        answers: Sequence[R | Exception]
        try:
            answers = await self._send([entry for entry, _, _, _ in batch])
            if len(answers) != size:
                raise RuntimeError(f"{len(answers)} answers to a batch of {size}")
            self._pace.served(time.perf_counter() - started)
        except Exception as error:
            if isinstance(error, Outage):
                # All waiters would only wait as long for the same error: fail together.
                batch.extend(self._waiting)
                self._waiting.clear()
            answers = [error] * len(batch)
        self._under_way -= size
        task = asyncio.current_task()
        assert task is not None  # it is this one
        self._running.discard(task)
        ended = time.perf_counter()
        for (_, future, spent, since), answer in zip(batch, answers, strict=True):
            if spent is not None:
                spent.waiting_s += max(0.0, started - since)
                spent.database_s += max(0.0, ended - max(started, since))
                if spent.phases is not None:
                    spent.phases.append(Phase("statement", max(started, since), ended))
            if future.done():
                continue  # its caller went away
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        self._start()
