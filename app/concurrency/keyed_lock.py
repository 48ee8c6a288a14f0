"""Locks by name: one holder per name, in the order of arrival; other names do not wait."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Hashable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext

from app.concurrency.expected_wait import ExpectedWait, TooManyBefore
from app.concurrency.outage import Outage
from app.concurrency.time_spent import SPENT

_NO_TURN: AbstractAsyncContextManager[None] = nullcontext()


class KeyedLock:
    """Lets one caller per name work at a time in this process; the others wait.

    A stream's name is its id as an integer, since hashing a UUID would be a call into Python. An
    agent's name is the agent's number, and that of a reader of lists is the caller's name.
    """

    def __init__(self, wait_s: float | None = None) -> None:
        """`wait_s`: the longest wait; None: without a limit."""
        self._wait_s = wait_s
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}
        self._pace = ExpectedWait()

    def of(self, name: Hashable) -> "Turn":
        """The lock of one name, for an `async with`."""
        return Turn(self._waiting, self._pace, name, self._wait_s)

    def of_all(self, names: Sequence[int]) -> AbstractAsyncContextManager[None]:
        """The locks of several different numbers at once; for none, no lock."""
        match names:
            case []:
                return _NO_TURN
            case [name]:
                return self.of(name)
            case _:
                return self._together(names)

    @asynccontextmanager
    async def _together(self, names: Sequence[int]) -> AsyncIterator[None]:
        """Take the locks in ascending order.

        So two callers of the same locks never wait for each other's. Raises as `Turn` does.
        """
        async with AsyncExitStack() as turns:
            async with _patience(self._wait_s):
                for name in sorted(names):
                    await turns.enter_async_context(Turn(self._waiting, self._pace, name, None))
            yield


class Turn:
    """Holds one name exclusively; later entrants queue in the order of arrival."""

    __slots__ = ("_all", "_began", "_name", "_pace", "_wait_s")

    def __init__(
        self,
        waiting: dict[Hashable, deque[asyncio.Future[None]]],
        pace: ExpectedWait,
        name: Hashable,
        wait_s: float | None,
    ) -> None:
        """Use `KeyedLock.of`."""
        self._all = waiting
        self._pace = pace
        self._name = name
        self._wait_s = wait_s
        self._began: float | None = None
        """When it was held, if another one had to be waited for."""

    async def __aenter__(self) -> None:
        """Wait for the turn.

        Raises the Outage that the holder before met, or TooManyBefore if the wait takes too long;
        at once if it would.
        """
        waiting = self._all.get(self._name)
        if waiting is None:
            self._all[self._name] = deque()
            return
        self._pace.require_room(len(waiting) + 1, self._wait_s)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting.append(turn)
        since = time.perf_counter()
        async with _patience(self._wait_s):
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled() and turn.exception() is None:
                    self._pass_on()  # the turn had just come
                raise
            finally:
                if spent := SPENT.get():
                    spent.waiting_s += time.perf_counter() - since
        self._began = time.monotonic()

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Pass the turn on."""
        waiting = self._all[self._name]
        if isinstance(error, Outage):
            # All waiters behind it have waited as long: fail together.
            for turn in waiting:
                if not turn.done():
                    turn.set_exception(type(error)(str(error)))
            waiting.clear()
        elif self._began is not None:
            self._pace.served(time.monotonic() - self._began)
        self._pass_on()

    def _pass_on(self) -> None:
        waiting = self._all[self._name]
        while waiting:
            turn = waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        del self._all[self._name]


@asynccontextmanager
async def _patience(wait_s: float | None) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(wait_s):
            yield
    except TimeoutError as error:
        raise TooManyBefore("Too many others are before this one") from error
