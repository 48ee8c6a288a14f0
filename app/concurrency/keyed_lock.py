"""One at a time for each name, in the order of arrival; other names wait for nobody."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Hashable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext

from app.concurrency.outage import Outage

_NO_TURN: AbstractAsyncContextManager[None] = nullcontext()


class TooManyBefore(Exception):
    """Others are before a caller for longer than he may wait. Nothing was done."""


class KeyedLock:
    """Holds back who comes while an earlier one with the same name is at work in this process.

    A stream goes by its id's number (hashing a UUID would be a call into Python), an agent by his
    own, and who asks for lists by the name of the caller.
    """

    def __init__(self, wait_s: float | None = None) -> None:
        """`wait_s`: how long anybody waits; None: until the turn comes."""
        self._wait_s = wait_s
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}

    def of(self, name: Hashable) -> "Turn":
        """The caller's turn with a name, for as long as an `async with` lasts."""
        return Turn(self._waiting, name, self._wait_s)

    def of_all(self, names: Sequence[int]) -> AbstractAsyncContextManager[None]:
        """The caller's turns with several different numbers at once; with none, no turn."""
        match names:
            case []:
                return _NO_TURN
            case [name]:
                return self.of(name)
            case _:
                return self._together(names)

    @asynccontextmanager
    async def _together(self, names: Sequence[int]) -> AsyncIterator[None]:
        """Turns taken in order.

        Of two callers that want the same ones, neither ever holds what the other waits for while
        it waits for the other's. Raises as `Turn` does.
        """
        async with AsyncExitStack() as turns:
            async with _patience(self._wait_s):
                for name in sorted(names):
                    await turns.enter_async_context(Turn(self._waiting, name, None))
            yield


class Turn:
    """Whoever enters has the name for himself; who comes meanwhile waits for his turn."""

    __slots__ = ("_all", "_name", "_wait_s")

    def __init__(
        self,
        waiting: dict[Hashable, deque[asyncio.Future[None]]],
        name: Hashable,
        wait_s: float | None,
    ) -> None:
        """Use `KeyedLock.of`."""
        self._all = waiting
        self._name = name
        self._wait_s = wait_s

    async def __aenter__(self) -> None:
        """Wait for the turn.

        Raises the Outage that the one before met, TooManyBefore if it takes too long.
        """
        waiting = self._all.get(self._name)
        if waiting is None:
            self._all[self._name] = deque()
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting.append(turn)
        async with _patience(self._wait_s):
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled() and turn.exception() is None:
                    self._pass_on()  # it had come up just then
                raise

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Pass the turn on."""
        waiting = self._all[self._name]
        if isinstance(error, Outage):
            # Whoever waits behind it has waited as long: fail together.
            for turn in waiting:
                if not turn.done():
                    turn.set_exception(type(error)(str(error)))
            waiting.clear()
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
