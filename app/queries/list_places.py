"""Whose list is read now: a few at a time, and one of each caller's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from math import ceil

from app.concurrency.keyed_lock import KeyedLock
from app.settings import Settings


class ListsBusy(Exception):
    """Other lists hold all places for longer than one may wait."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        """`retry_after_s`: when it is worth asking again."""
        self.retry_after_s = retry_after_s
        super().__init__(message)


class ListPlaces:
    """The places of one worker process, one for each connection that reads lists.

    A caller has one of them at the most, however many lists it asks for at once. So nobody takes
    them all, and whoever asks for one waits for one list of each of the others.
    """

    def __init__(self, settings: Settings) -> None:
        """All places are free."""
        self._wait_s = settings.list_wait_s
        self._retry_after_s = ceil(settings.list_deadline_s)
        self._places = asyncio.Semaphore(settings.list_pool_size)
        self._turns = KeyedLock()

    @asynccontextmanager
    async def of(self, caller: str) -> AsyncIterator[None]:
        """A place for as long as the block lasts. Raises ListsBusy if none comes free in time."""
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(self._wait_s):
                    await held.enter_async_context(self._turns.of(caller))
                    await held.enter_async_context(self._places)
            except TimeoutError:
                message = "Too many lists are being read: ask again later, for fewer at a time"
                raise ListsBusy(message, self._retry_after_s) from None
            yield
