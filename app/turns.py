"""One at a time for each number, in the order of arrival; other numbers wait for nobody."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

from app.log.errors import StoreDown


class Turns:
    """Holds back who comes while an earlier one with the same number is at work in this process.

    A stream has a number, its id's (hashing a UUID would be a call into Python); so has an agent.
    """

    def __init__(self) -> None:
        """Nobody waits."""
        self._waiting: dict[int, deque[asyncio.Future[None]]] = {}

    def of(self, number: int) -> "Turn":
        """The caller's turn with a number, for as long as an `async with` lasts."""
        return Turn(self._waiting, number)

    @asynccontextmanager
    async def of_all(self, numbers: Iterable[int]) -> AsyncIterator[None]:
        """The caller's turns with several different numbers at once.

        They are taken in order: of two callers that want the same ones, neither ever holds what
        the other waits for while it waits for the other's.
        """
        async with AsyncExitStack() as turns:
            for number in sorted(numbers):
                await turns.enter_async_context(Turn(self._waiting, number))
            yield


class Turn:
    """Whoever enters has the number for himself; who comes meanwhile waits for his turn."""

    __slots__ = ("_all", "_number")

    def __init__(self, waiting: dict[int, deque[asyncio.Future[None]]], number: int) -> None:
        """Use `Turns.of`."""
        self._all = waiting
        self._number = number

    async def __aenter__(self) -> None:
        """Wait for the turn. Raises StoreDown if the one before found the database gone."""
        waiting = self._all.get(self._number)
        if waiting is None:
            self._all[self._number] = deque()
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._pass_on()  # it had come up just then
            raise

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Pass the turn on."""
        waiting = self._all[self._number]
        if isinstance(error, StoreDown):
            # Whoever waits behind it has waited as long: fail together.
            for turn in waiting:
                if not turn.done():
                    turn.set_exception(StoreDown(str(error)))
            waiting.clear()
        self._pass_on()

    def _pass_on(self) -> None:
        waiting = self._all[self._number]
        while waiting:
            turn = waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        del self._all[self._number]
