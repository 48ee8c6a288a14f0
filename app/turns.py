"""One at a time for each stream, in the order of arrival; whole streams wait for nobody."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

from app.log.errors import StoreDown
from domain.ids import StreamId


class Turns:
    """Holds back a command while an earlier one of its stream is under way in this process."""

    def __init__(self) -> None:
        """Nobody waits."""
        # By a stream's number: hashing a UUID is a call into Python.
        self._waiting: dict[int, deque[asyncio.Future[None]]] = {}

    def of(self, stream: StreamId) -> "Turn":
        """The caller's turn with a stream, for as long as an `async with` lasts."""
        return Turn(self._waiting, stream.int)

    @asynccontextmanager
    async def of_all(self, streams: Iterable[StreamId]) -> AsyncIterator[None]:
        """The caller's turns with several different streams at once.

        They are taken in the order of the streams' numbers: of two callers that want the same
        ones, neither ever holds what the other waits for while it waits for the other's.
        """
        async with AsyncExitStack() as turns:
            for number in sorted([stream.int for stream in streams]):
                await turns.enter_async_context(Turn(self._waiting, number))
            yield


class Turn:
    """Whoever enters has the stream for himself; who comes meanwhile waits for his turn."""

    __slots__ = ("_all", "_stream")

    def __init__(self, waiting: dict[int, deque[asyncio.Future[None]]], stream: int) -> None:
        """Use `Turns.of`."""
        self._all = waiting
        self._stream = stream

    async def __aenter__(self) -> None:
        """Wait for the turn. Raises StoreDown if the one before found the database gone."""
        waiting = self._all.get(self._stream)
        if waiting is None:
            self._all[self._stream] = deque()
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
        waiting = self._all[self._stream]
        if isinstance(error, StoreDown):
            # Whoever waits behind it has waited as long: fail together.
            for turn in waiting:
                if not turn.done():
                    turn.set_exception(StoreDown(str(error)))
            waiting.clear()
        self._pass_on()

    def _pass_on(self) -> None:
        waiting = self._all[self._stream]
        while waiting:
            turn = waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        del self._all[self._stream]
