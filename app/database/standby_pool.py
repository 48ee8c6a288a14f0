"""Connections to a hot standby: each is lent to one reader at a time, none is waited for long."""

import asyncio
from collections import deque
from collections.abc import Sequence

import asyncpg
from asyncpg.connect_utils import SessionAttribute
from msgspec.structs import replace

from app.concurrency.ttl_cache import in_the_background
from app.database.hosts import each_host
from app.database.pool import in_ms, session_of
from app.database.primary import CONNECT_S
from app.database.session import opened
from app.database.sockets import notice_silence
from app.settings import STATEMENT_CACHE, Settings

FAILURES: tuple[type[BaseException], ...] = (
    OSError,  # TimeoutError too
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""Errors of a standby: the primary may do better; if not, the answer is the primary's error."""


class AllLent(TimeoutError):
    """Other readers have all connections for longer than one more could wait."""


class StandbyPool:
    """Up to `read_pool_size` connections to one of the hosts of `read_url`.

    The URL must lead to the servers themselves: behind a pooler, two statements of one reader could
    go to two standbys, of which the second shows less.
    """

    def __init__(self, settings: Settings, url: str) -> None:
        """Connects when somebody reads."""
        self._hosts = deque(each_host(url))
        limits = {
            "statement_timeout": in_ms(settings.list_deadline_s),
            # If it is promoted, what was on its way must change nothing there.
            "default_transaction_read_only": "on",
        }
        direct = replace(settings, statement_cache=STATEMENT_CACHE)
        self._session = session_of(direct, limits)
        self._size = settings.read_pool_size
        self._free = asyncio.Semaphore(self._size)
        self._idle: list[asyncpg.Connection] = []
        self._lent: set[asyncpg.Connection] = set()

    @property
    def counts(self) -> dict[str, int]:
        """How many connections are lent, and how many wait for a reader."""
        return {"used": len(self._lent), "idle": len(self._idle)}

    async def lend(self, limit_s: float) -> asyncpg.Connection:
        """A connection for one reader, who gives it back.

        Raises AllLent, TimeoutError if none is made within the limit, or an error of connecting.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limit_s
        try:
            async with asyncio.timeout(limit_s):
                await self._free.acquire()
        except TimeoutError as error:
            raise AllLent("All connections to the standby are in use") from error
        try:
            connection = self._taken() or await self._connected(deadline - loop.time())
        except BaseException:
            self._free.release()
            raise
        self._lent.add(connection)
        return connection

    def give_back(self, connection: asyncpg.Connection, *, fit: bool) -> None:
        """Take a lent connection back; `fit`: whether another reader can use it."""
        self._lent.discard(connection)
        self._free.release()
        self._keep(connection, fit=fit)

    def drop(self) -> None:
        """Break all connections off: who reads by one gets an error at once."""
        for connection in (*self._idle, *self._lent):
            connection.terminate()
        self._idle.clear()

    def turn(self) -> None:
        """Break all connections off, and ask the next host of the URL from now on."""
        self._hosts.rotate(-1)
        self.drop()

    async def connect(self) -> asyncpg.Connection:
        """One more connection. Raises the errors of connecting."""
        connection = await opened(
            self._hosts[0], self._session, SessionAttribute.any,
            statement_cache=STATEMENT_CACHE, limit_s=CONNECT_S,
        )  # fmt: skip
        notice_silence(connection)
        return connection

    def _taken(self) -> asyncpg.Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return None

    async def _connected(self, limit_s: float) -> asyncpg.Connection:
        """A new connection; one that comes too late is for the next reader."""
        connecting = in_the_background(self.connect())
        try:
            await asyncio.wait({connecting}, timeout=limit_s)
        finally:
            if not connecting.done():
                connecting.add_done_callback(self._keep_late)
        if not connecting.done():
            raise TimeoutError("The standby lets nobody in in time")
        return connecting.result()

    def _keep_late(self, connecting: "asyncio.Task[asyncpg.Connection]") -> None:
        if not connecting.cancelled() and connecting.exception() is None:
            self._keep(connecting.result(), fit=True)

    def _keep(self, connection: asyncpg.Connection, *, fit: bool) -> None:
        if fit and not connection.is_closed() and len(self._idle) < self._size:
            self._idle.append(connection)
        else:
            connection.terminate()


async def fetched(
    connection: asyncpg.Connection, sql: str, *arguments: object, limit_s: float
) -> Sequence[asyncpg.Record]:
    """The rows of a statement. Breaks the connection off if they do not come in time.

    (asyncpg's own time-out sends a request to cancel it, and waits for that: a server that stands
    still takes it and never answers.) Raises TimeoutError, or asyncpg's errors.
    """
    asking = in_the_background(connection.fetch(sql, *arguments))
    try:
        await asyncio.wait({asking}, timeout=limit_s)
        if not asking.done():
            raise TimeoutError("The standby does not answer in time")
        return asking.result()
    finally:
        if not asking.done():
            connection.terminate()
