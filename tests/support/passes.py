"""How long the event loop leaves nobody else to his turn, in processor time."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Passes:
    """Of the loop, while a block lasts."""

    def __init__(self) -> None:
        """Use `passes`."""
        self.longest_s = 0.0
        self.spent_s = 0.0


@asynccontextmanager
async def passes() -> AsyncIterator[Passes]:
    """What the loop's passes take from now on; those of other threads and waits do not count."""
    found = Passes()

    async def look() -> None:
        before = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            found.longest_s = max(found.longest_s, now - before)
            before = now

    began = time.thread_time()
    looking = asyncio.create_task(look())
    await asyncio.sleep(0)
    try:
        yield found
    finally:
        found.spent_s = time.thread_time() - began
        looking.cancel()
