"""Admits reads of lists: a few at a time, and one per caller."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from math import ceil

from app.concurrency.expected_wait import TooManyBefore
from app.concurrency.keyed_lock import KeyedLock
from app.concurrency.slots import Slots
from app.concurrency.time_spent import SPENT
from app.settings import Settings


class ListsBusy(Exception):
    """Other lists hold all places for longer than a caller may wait."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        """`retry_after_s`: seconds after which a retry is worthwhile."""
        self.retry_after_s = retry_after_s
        super().__init__(message)


class ListPlaces:
    """The places of one worker process, one for each connection that reads lists.

    A caller has at most one place, however many lists it requests at once. So nobody takes all
    places, and a caller waits for at most one list of each other caller.
    """

    def __init__(self, settings: Settings) -> None:
        """All places are free."""
        self._wait_s = settings.list_wait_s
        self._retry_after_s = ceil(settings.list_deadline_s)
        self._places = Slots(settings.list_pool_size, settings.list_wait_s)
        self._turns = KeyedLock(settings.list_wait_s)

    @asynccontextmanager
    async def of(self, caller: str) -> AsyncIterator[None]:
        """A place for as long as the block lasts.

        Raises ListsBusy if none becomes free in time; at once if that is to be expected.
        """
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(self._wait_s):
                    await held.enter_async_context(self._turns.of(caller))
                    since = time.perf_counter()
                    await held.enter_async_context(self._places.one())
                    if spent := SPENT.get():
                        spent.waiting_s += time.perf_counter() - since
            except (TimeoutError, TooManyBefore):
                message = "Too many lists are being read: ask again later, for fewer at a time"
                raise ListsBusy(message, self._retry_after_s) from None
            yield
