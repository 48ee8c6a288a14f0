"""A deadline for waits that are nearly always short."""

from asyncio import CancelledError, Task, TimerHandle, current_task, get_running_loop
from collections.abc import Awaitable
from typing import Any, TypeVar

T = TypeVar("T")


class Stalled(Exception):
    """The awaited data did not come in time."""


class SharedDeadline:
    """The same deadline for many waits, with one timer for all of them.

    A timer for each, as `asyncio.timeout` sets it, takes several times as long as the usual wait.
    """

    def __init__(self, seconds: float) -> None:
        """`seconds` for each wait."""
        self._seconds = seconds
        # In the order of arrival, so that the first entry is the first to be late.
        self._since: dict[Task[Any], float] = {}
        self._timer: TimerHandle | None = None

    async def wait(self, coming: Awaitable[T]) -> T:
        """The awaited result, if it comes in time. Raises Stalled."""
        loop, task = get_running_loop(), current_task()
        assert task is not None  # a coroutine runs in one
        self._since[task] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._end_late)
        try:
            return await coming
        except CancelledError:
            if task in self._since:
                raise  # cancelled by somebody else
            task.uncancel()
            raise Stalled(f"The request did not come whole within {self._seconds:g} s") from None
        finally:
            self._since.pop(task, None)

    def _end_late(self) -> None:
        loop = get_running_loop()
        self._timer = None
        for task, since in list(self._since.items()):
            left = since + self._seconds - loop.time()
            if left > 0:
                self._timer = loop.call_later(left, self._end_late)
                return
            del self._since[task]
            task.cancel()
