"""One at a time for each stream, in the order of arrival; whole streams wait for nobody."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.log.errors import StoreDown
from domain.ids import StreamId


class Turns:
    """Holds back a command while an earlier one of its stream is under way in this process."""

    def __init__(self) -> None:
        """Nobody waits."""
        # By a stream's number: hashing a UUID is a call into Python.
        self._waiting: dict[int, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def of(self, stream: StreamId) -> AsyncIterator[None]:
        """The caller's turn with a stream, for as long as the block lasts."""
        waiting = self._waiting.get(stream.int)
        if waiting is None:
            self._waiting[stream.int] = deque()
        else:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._pass_on(stream)  # it had come up just then
                raise
        try:
            yield
        except StoreDown as error:
            self._fail(stream, error)
            raise
        finally:
            self._pass_on(stream)

    def _fail(self, stream: StreamId, error: StoreDown) -> None:
        # Whoever waits behind it has waited as long: fail together.
        waiting = self._waiting[stream.int]
        while waiting:
            turn = waiting.popleft()
            if not turn.done():
                turn.set_exception(StoreDown(str(error)))

    def _pass_on(self, stream: StreamId) -> None:
        waiting = self._waiting[stream.int]
        while waiting:
            turn = waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        del self._waiting[stream.int]
