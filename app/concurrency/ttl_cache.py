"""A cache that keeps looked-up values for a moment: many callers share one look-up."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class TtlCache(Generic[T]):
    """Values by key, each for `ttl_s` and at most `most` of them; the oldest go first."""

    def __init__(self, *, ttl_s: float, most: int) -> None:
        """Empty."""
        self._ttl_s = ttl_s
        self._most = most
        self._known: OrderedDict[bytes, tuple[T, float]] = OrderedDict()
        self._under_way: dict[bytes, asyncio.Task[T]] = {}

    def peek(self, key: bytes) -> T | None:
        """The value of a key if it is cached; makes no look-up."""
        known = self._known.get(key)
        return known[0] if known is not None and time.monotonic() < known[1] else None

    async def get(self, key: bytes, find: Callable[[T | None], Awaitable[T]]) -> T:
        """The value of a key; calls `find` when the value is missing or expired.

        `find` gets the expired value, if any. An error that it raises reaches all its waiters, and
        is not cached.
        """
        value = self.peek(key)
        if value is not None:
            return value
        known = self._known.get(key)
        task = self._under_way.get(key)
        if task is None:
            task = in_the_background(self._find(key, find, known))
            self._under_way[key] = task
            task.add_done_callback(partial(self._landed, key))
        return await asyncio.shield(task)

    def forget(self, key: bytes) -> None:
        """Drop a key; the result of a look-up under way is not cached either."""
        self._known.pop(key, None)
        self._under_way.pop(key, None)

    def clear(self) -> None:
        """Drop all keys, in the same way."""
        self._known.clear()
        self._under_way.clear()

    async def _find(
        self, key: bytes, find: Callable[[T | None], Awaitable[T]], known: tuple[T, float] | None
    ) -> T:
        value = await find(known[0] if known else None)
        if self._under_way.get(key) is asyncio.current_task():  # else dropped meanwhile
            self._remember(key, value)
        return value

    def _landed(self, key: bytes, task: "asyncio.Task[T]") -> None:
        if self._under_way.get(key) is task:
            del self._under_way[key]

    def _remember(self, key: bytes, value: T) -> None:
        self._known.pop(key, None)
        if len(self._known) >= self._most:
            self._known.popitem(last=False)
        self._known[key] = (value, time.monotonic() + self._ttl_s)


def in_the_background(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A task that goes on when its waiters, behind a shield, go away."""
    task = asyncio.get_running_loop().create_task(work)
    # Retrieves the exception even if nobody waits any longer, so that asyncio does not complain.
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task
