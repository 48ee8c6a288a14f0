"""Many callers, one round trip: whoever comes while a batch is under way shares the next one."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Batcher(Generic[T, R]):
    """Sends what callers submit in batches, one at a time, in the order of arrival."""

    def __init__(
        self, send: Callable[[Sequence[T]], Awaitable[Sequence[R | Exception]]], most: int
    ) -> None:
        """`send` answers a batch entry by entry; `most` bounds the entries of one."""
        self._send = send
        self._most = most
        self._waiting: deque[tuple[T, asyncio.Future[R]]] = deque()
        self._running: asyncio.Task[None] | None = None

    def submit(self, entry: T) -> asyncio.Future[R]:
        """The answer to an entry, once its batch is through. Raises what `send` gave for it.

        The batch of an entry starts after the call: a look-up sees all that was committed before.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[R] = loop.create_future()
        self._waiting.append((entry, answer))
        if self._running is None:
            self._running = loop.create_task(self._run())
        return answer

    async def drain(self) -> None:
        """Return when nothing is under way."""
        if self._running is not None:
            await self._running

    async def _run(self) -> None:
        waiting = self._waiting
        try:
            while waiting:
                batch = [waiting.popleft() for _ in range(min(len(waiting), self._most))]
                try:
                    answers = await self._send([entry for entry, _ in batch])
                except Exception as error:
                    # Whoever waits behind a failed batch has waited as long: fail together.
                    batch.extend(waiting)
                    waiting.clear()
                    answers = [error] * len(batch)
                for (_, future), answer in zip(batch, answers, strict=True):
                    if future.done():
                        continue  # its caller went away
                    if isinstance(answer, Exception):
                        future.set_exception(answer)
                    else:
                        future.set_result(answer)
        finally:
            self._running = None
