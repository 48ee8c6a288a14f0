"""A bounded set of connections: never more backends than places, however a statement ends."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping, Sequence
from functools import partial
from types import coroutine
from typing import cast

import asyncpg

from app.concurrency.expected_wait import ExpectedWait, TooManyBefore
from app.concurrency.time_spent import SPENT, Phase
from app.database.errors import Crowded

Rows = Sequence[asyncpg.Record]
Connect = Callable[["Places"], Awaitable[asyncpg.Connection]]


class NoPlace(TimeoutError):
    """Statements that were given up hold all places, so that waiting for one would be in vain."""


class GivenUp(TimeoutError):
    """A statement was not answered in time and goes on; it keeps its place and connection."""


class Sent:
    """A statement on its way."""

    __slots__ = ("connection", "given_up")

    def __init__(self) -> None:
        """Not sent yet: it may have no connection."""
        self.connection: asyncpg.Connection | None = None
        self.given_up = False


class Places:
    """A limited number of connections, idle or at work; all are set up alike.

    A statement that is given up keeps its place until it is answered or its connection breaks. So
    does one that still waits for a connection. Otherwise each retry would cost one more backend.
    Nor is it cancelled: a commit that waits for a standby would become visible, and its retry would
    be acknowledged, though no standby has it.
    """

    def __init__(
        self,
        size: int,
        session: Mapping[str, str],
        *,
        ending: bool = False,
        holding: bool = True,
    ) -> None:
        """`size`: connections; `session`: the settings that each starts with.

        `ending`: whether the database ends statements by itself, which makes it worth waiting for
        the place of a statement that was given up. `holding`: whether statements that are given up
        keep their places; else they are cancelled.
        """
        self.session = session
        self.size = size
        self.held: dict[asyncio.Task[Rows], Sent] = {}
        """Statements that were given up and not answered yet."""
        self._ending = ending
        self._holding = holding
        self._idle: list[asyncpg.Connection] = []
        self._connecting: set[asyncio.Task[Rows]] = set()
        self._closed = False
        self._free = asyncio.Semaphore(size)
        self._used = 0
        self._waiting = 0
        self._pace = ExpectedWait()

    @property
    def counts(self) -> dict[str, int]:
        """How many connections are at work and idle, and how many statements wait for one."""
        return {"used": self._used, "idle": len(self._idle), "waiting": self._waiting}

    async def enter(self, limit_s: float) -> None:
        """Take a place.

        Raises NoPlace, Crowded if none is expected to be free in time, or TimeoutError if none was.
        """
        if len(self.held) >= self.size and not self._ending:
            raise NoPlace("The database answers none of the statements before")
        if self._free.locked():
            self._require_room(limit_s)
            self._waiting += 1
            try:
                # (Not `wait_for`: Python 3.11 forgets that it was cancelled when a place comes
                # just then, and whoever waits for the task to end waits for ever.)
                async with asyncio.timeout(limit_s):
                    await self._free.acquire()
            finally:
                self._waiting -= 1
        else:
            await self._free.acquire()
        self._used += 1

    def _require_room(self, limit_s: float) -> None:
        try:
            self._pace.require_room((self._waiting + 1) / self.size, limit_s)
        except TooManyBefore as error:
            raise Crowded("Too many statements wait for the database") from error

    def leave(self) -> None:
        """Give a place back."""
        self._used -= 1
        self._free.release()

    async def close(self, limit_s: float) -> None:
        """Close all connections; drop those that hang."""
        self._closed = True
        held = list(self.held)
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)
        if self._connecting:  # (what was given up is being cancelled)
            await asyncio.wait(self._connecting, timeout=limit_s)
        while self._idle:
            connection = self._idle.pop()
            try:
                await connection.close(timeout=limit_s)
            except (
                OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError
            ):  # fmt: skip
                connection.terminate()

    async def carry_out(
        self,
        connect: Connect,
        keeps: Callable[[BaseException], bool],
        sql: str,
        arguments: Sequence[object],
        limit_s: float,
        answered: Callable[[BaseException | None], None],
    ) -> Rows:
        """The rows of a statement, which goes on if it is given up or its caller goes away.

        `keeps`: whether a connection can be used again after an error. `answered`: called later
        with the result of a statement that was given up: its error, or None. Raises as `enter`
        does, TimeoutError after `limit_s`, or an error of connecting or of the statement.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limit_s
        spent, since = SPENT.get(), time.perf_counter()
        try:
            await self.enter(limit_s)
        finally:
            entered = time.perf_counter()
            if spent is not None:
                spent.waiting_s += entered - since
        sent, idle = Sent(), self._take()
        sending = self._send(sent, idle, connect, keeps, sql, arguments)
        # The time-out of connecting needs a task; a statement alone does not.
        statement = self._connected(loop.create_task(sending)) if idle is None else sending
        try:
            return await self._drive(statement, sent, deadline, answered)
        finally:
            if not sent.given_up:
                if self._waiting:  # else nobody asks
                    self._pace.served(time.perf_counter() - entered)
                self.leave()
            if spent is not None:
                until = time.perf_counter()
                spent.database_s += until - entered
                if spent.phases is not None:
                    spent.phases.append(Phase("statement", entered, until))

    async def _drive(
        self,
        statement: "_Statement",
        sent: Sent,
        deadline: float,
        answered: Callable[[BaseException | None], None],
    ) -> Rows:
        # Driven by hand: a task for each statement would cost as much as sending it. And the
        # caller's own task must not wait for the answer: its cancellation would cancel that.
        loop = asyncio.get_running_loop()
        while True:
            try:
                answer = statement.send(None)
            except StopIteration as done:
                return cast("Rows", done.value)
            over: asyncio.Future[None] = loop.create_future()
            timer = loop.call_at(deadline, _wake, over)
            answer.add_done_callback(partial(_wake, over))
            try:
                await over
            except BaseException:
                self._give_up(statement, answer, sent, answered)
                raise
            finally:
                timer.cancel()
            if not answer.done():
                self._give_up(statement, answer, sent, answered)
                raise GivenUp

    async def _send(
        self,
        sent: Sent,
        idle: asyncpg.Connection | None,
        connect: Connect,
        keeps: Callable[[BaseException], bool],
        sql: str,
        arguments: Sequence[object],
    ) -> Rows:
        connection = idle or await connect(self)
        try:
            rows: Rows = ()
            if not sent.given_up:  # else nobody waits for its effect any more
                sent.connection = connection
                rows = await connection.fetch(sql, *arguments)
        except BaseException as error:
            self._put_back(connection, fit=keeps(error))
            raise
        self._put_back(connection, fit=True)
        return rows

    def _put_back(self, connection: asyncpg.Connection, *, fit: bool) -> None:
        if fit and not self._closed:
            self._idle.append(connection)
        else:
            # Not closed in an orderly way: a server that hangs would block us.
            connection.terminate()

    async def _connected(self, task: asyncio.Task[Rows]) -> Rows:
        """The result of a task that connects; it ends with whoever waits for it here."""
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)
        try:
            return await task
        finally:
            task.cancel()  # else its connection would come when its place is another's

    def _take(self) -> asyncpg.Connection | None:
        """An idle connection that is not known to be broken."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return None

    def _give_up(
        self,
        statement: "_Statement",
        answer: asyncio.Future[object],
        sent: Sent,
        answered: Callable[[BaseException | None], None],
    ) -> None:
        def let_go(done: asyncio.Task[Rows]) -> None:
            del self.held[done]
            error = asyncio.CancelledError() if done.cancelled() else done.exception()
            self.leave()
            if sent.connection is not None or error is not None:  # else nothing was sent
                answered(error)

        loop = asyncio.get_running_loop()
        sent.given_up = True
        task = loop.create_task(_finish(statement, answer))
        self.held[task] = sent
        task.add_done_callback(let_go)
        if not self._holding:
            loop.call_soon(task.cancel)  # after its first step: an unstarted task closes nothing


_Statement = Coroutine[asyncio.Future[object], None, Rows]
"""A statement that was begun; it yields the futures that it waits for."""


def _wake(over: asyncio.Future[None], *_: object) -> None:
    if not over.done():
        over.set_result(None)


async def _finish(statement: _Statement, answer: asyncio.Future[object]) -> Rows:
    """The rows of a statement that was driven elsewhere until it waited for `answer`."""
    return await _go_on(statement, answer)


@coroutine
def _go_on(
    statement: _Statement, answer: asyncio.Future[object]
) -> Generator[asyncio.Future[object], None, Rows]:
    try:
        while True:
            yield answer
            answer = statement.send(None)
    except StopIteration as done:
        return cast("Rows", done.value)
    finally:
        statement.close()
