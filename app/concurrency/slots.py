"""A few callers at a time; the others wait in the order of arrival, within a limit."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.concurrency.expected_wait import ExpectedWait, TooManyBefore


class Slots:
    """Lets some callers work at a time in this process."""

    def __init__(self, slots: int, wait_s: float) -> None:
        """`slots`: callers at a time; `wait_s`: the longest wait of another one."""
        self._slots = slots
        self._wait_s = wait_s
        self._free = asyncio.Semaphore(slots)
        self._waiting = 0
        self._pace = ExpectedWait()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """A slot for as long as the block lasts.

        Raises TooManyBefore: at once if the wait would be too long, else when it was.
        """
        if self._free.locked():
            await self._wait()
        else:
            await self._free.acquire()
        began = time.monotonic()
        try:
            yield
        finally:
            self._free.release()
            self._pace.served(time.monotonic() - began)

    async def _wait(self) -> None:
        self._pace.require_room((self._waiting + 1) / self._slots, self._wait_s)
        self._waiting += 1
        try:
            async with asyncio.timeout(self._wait_s):
                await self._free.acquire()
        except TimeoutError as error:
            raise TooManyBefore("Too many others are before this one") from error
        finally:
            self._waiting -= 1
