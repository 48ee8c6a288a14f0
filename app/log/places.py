"""A bounded set of connections: no more backends than places, whatever becomes of a statement."""

import asyncio
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from functools import partial
from types import coroutine
from typing import cast

import asyncpg


class NoPlace(TimeoutError):
    """Every place is held by a statement that was given up: to wait for one would be in vain."""


class Places:
    """So many connections at the most, idle or at work; all are set up alike.

    A statement that may commit is never cancelled: a commit that waits for a standby would become
    visible, and its retry be acknowledged, though no standby has it. Given up, it keeps its place
    until it is answered or its connection breaks; else each retry would cost a backend more.
    """

    def __init__(self, size: int, session: Mapping[str, str]) -> None:
        """`size`: connections; `session`: the settings that each starts with."""
        self.session = session
        self.size = size
        self.held: dict[asyncio.Task[Sequence[asyncpg.Record]], asyncpg.Connection] = {}
        """Statements that were given up and not answered yet, with their connections."""
        self._idle: list[asyncpg.Connection] = []
        self._free = asyncio.Semaphore(size)

    async def enter(self, limit_s: float) -> None:
        """Take a place. Raises NoPlace, or TimeoutError when none is free in time."""
        if len(self.held) >= self.size:
            raise NoPlace("The database answers none of the statements before")
        if self._free.locked():
            await asyncio.wait_for(self._free.acquire(), limit_s)
        else:
            await self._free.acquire()

    def leave(self) -> None:
        """Give a place back."""
        self._free.release()

    def take(self) -> asyncpg.Connection | None:
        """An idle connection that is not known to be broken."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return None

    def keep(self, connection: asyncpg.Connection) -> None:
        """Use a connection again."""
        self._idle.append(connection)

    async def close(self, limit_s: float) -> None:
        """Give all connections back; those that hang are dropped."""
        for connection in self.held.values():
            connection.terminate()
        while self._idle:
            connection = self._idle.pop()
            try:
                await connection.close(timeout=limit_s)
            except (OSError, asyncpg.PostgresError, asyncpg.InternalClientError):
                connection.terminate()

    async def carry_out(
        self,
        connection: asyncpg.Connection,
        sql: str,
        arguments: Sequence[object],
        limit_s: float,
        answered: Callable[[BaseException | None], None],
    ) -> Sequence[asyncpg.Record]:
        """Rows of a statement that goes on when it is given up, or when its caller goes away.

        Raises TimeoutError after `limit_s`; the place is then held, and given back after
        `answered` was told what became of it. Otherwise place and connection stay the caller's.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limit_s
        # Driven by hand: a task for each write would cost as much as sending it, and the caller's
        # own must not wait for the answer itself, since being cancelled it would cancel that.
        statement: _Statement = connection.fetch(sql, *arguments)
        while True:
            try:
                answer = statement.send(None)
            except StopIteration as done:
                return cast("Sequence[asyncpg.Record]", done.value)
            over: asyncio.Future[None] = loop.create_future()
            timer = loop.call_at(deadline, _wake, over)
            answer.add_done_callback(partial(_wake, over))
            try:
                await over
            except BaseException:
                self._hold(statement, answer, connection, answered)
                raise
            finally:
                timer.cancel()
            if not answer.done():
                self._hold(statement, answer, connection, answered)
                raise GivenUp

    def _hold(
        self,
        statement: "_Statement",
        answer: asyncio.Future[object],
        connection: asyncpg.Connection,
        answered: Callable[[BaseException | None], None],
    ) -> None:
        def let_go(done: "asyncio.Task[Sequence[asyncpg.Record]]") -> None:
            del self.held[done]
            error = asyncio.CancelledError() if done.cancelled() else done.exception()
            if error is None:
                self.keep(connection)
            else:
                connection.terminate()
            self.leave()
            answered(error)

        task = answer.get_loop().create_task(_finish(statement, answer))
        self.held[task] = connection
        task.add_done_callback(let_go)


_Statement = Coroutine[asyncio.Future[object], None, Sequence[asyncpg.Record]]
"""A statement that was begun; it yields what it waits for."""


def _wake(over: asyncio.Future[None], *_: object) -> None:
    if not over.done():
        over.set_result(None)


async def _finish(
    statement: _Statement, answer: asyncio.Future[object]
) -> Sequence[asyncpg.Record]:
    """Rows of a statement that waits for `answer`, whoever drove it so far."""
    return await _go_on(statement, answer)


@coroutine
def _go_on(
    statement: _Statement, answer: asyncio.Future[object]
) -> Generator[asyncio.Future[object], None, Sequence[asyncpg.Record]]:
    try:
        while True:
            yield answer
            answer = statement.send(None)
    except StopIteration as done:
        return cast("Sequence[asyncpg.Record]", done.value)
    finally:
        statement.close()


class GivenUp(TimeoutError):
    """A statement was not answered in time and goes on; it keeps its place and connection."""
