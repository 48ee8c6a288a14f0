"""Waits for the log to grow: one query answers all who wait."""

import asyncio
from collections.abc import Sequence

from app.concurrency.time_spent import SPENT
from app.concurrency.ttl_cache import TtlCache
from app.log.read import Asks, heads

_PAUSE_S = 0.1
_FRESH_S = 0.05
_HEADS = b"heads"


class Tail:
    """The end of the log, for many readers who wait for more."""

    def __init__(self, store: Asks) -> None:
        """Asks only while somebody waits."""
        self._store = store
        self._heads = TtlCache[tuple[int, ...]](ttl_s=_FRESH_S, most=1)

    async def beyond(self, cut: Sequence[int], wait_s: float) -> tuple[int, ...]:
        """The end of each partition, once one is beyond a cut, or else after `wait_s`.

        Raises StoreDown.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s
        while True:
            ends = await self._heads.get(_HEADS, self._look)
            left_s = deadline - loop.time()
            if left_s <= 0 or any(end > at for end, at in zip(ends, cut, strict=True)):
                return ends
            pause_s = min(_PAUSE_S, left_s)
            await asyncio.sleep(pause_s)
            if spent := SPENT.get():
                spent.idle_s += pause_s

    async def _look(self, _: tuple[int, ...] | None) -> tuple[int, ...]:
        return tuple(head.position for head in await heads(self._store))
