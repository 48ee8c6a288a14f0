"""Connections to the database: bounded waits, and one list of what a passing failure looks like."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import asyncpg

from app import metrics
from app.log.errors import StoreDown, TooSlow
from app.log.session import OPENED_WITH, lift_time_outs
from app.settings import Settings

TRANSIENT: tuple[type[BaseException], ...] = (
    OSError,  # refused, reset, unreachable; and TimeoutError
    asyncpg.PostgresConnectionError,  # class 08, and ConnectionDoesNotExistError
    asyncpg.OperatorInterventionError,  # class 57: shut down, starting up, cancelled
    asyncpg.InsufficientResourcesError,  # class 53: disk full, too many connections
    asyncpg.InvalidAuthorizationSpecificationError,  # class 28: a password changed under us
    asyncpg.InvalidCatalogNameError,  # 3D000: the database is being replaced
    asyncpg.PostgresSystemError,  # class 58: I/O error
    asyncpg.ReadOnlySQLTransactionError,  # a standby that was the primary
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.InternalClientError,  # seen when the server is killed in the middle of an answer
)
"""What may pass by itself; after any of these it is unknown whether a statement was committed."""


Fetch = Callable[[str], Awaitable[Sequence[asyncpg.Record]]]
"""Runs one statement."""
TOO_SLOW = "The list takes too long: ask for fewer or simpler rows"
QUIET_S = 10.0
"""After an outage was told, so long no other is: one that comes and goes would fill the log."""
_LOG = logging.getLogger("sessionary")


class Reachability:
    """Tells the log once when the database goes away, and once when it answers again."""

    def __init__(self) -> None:
        """Takes the database to be there."""
        self._away = False
        self._quiet_until = 0.0

    def failed(self, error: BaseException) -> None:
        """A statement, or a connection, failed in a passing way."""
        if self._away or time.monotonic() < self._quiet_until:
            return
        self._away = True
        self._quiet_until = time.monotonic() + QUIET_S
        _LOG.warning("The database does not answer: %s", _cause(error))

    def answered(self) -> None:
        """A statement was answered."""
        if self._away:
            self._away = False
            _LOG.info("The database answers again")


def _cause(error: BaseException) -> str:
    # Other errors' words may hold a part of the URL, and so of its password.
    words = " ".join(str(error).split()) if isinstance(error, TRANSIENT) else ""
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


class Pool:
    """A few connections that heal by themselves. Waits end in StoreDown, never hang.

    asyncpg's own pool spends a task, a shield and a reset on each use, 0.1 ms of processor time;
    here nothing sets a session's state, so a connection that answered can be used again as it is.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        for_lists: bool = False,
        reachability: Reachability | None = None,
    ) -> None:
        """Connects when there is something to ask.

        `for_lists`: few connections, of their own, for statements that may take long; the
        database itself ends what takes longer than `list_deadline_s`. `reachability`: of another
        pool on the same database, so that the two tell an outage once.
        """
        self._settings = settings
        self._for_lists = for_lists
        self._idle: list[asyncpg.Connection] = []
        size, self._deadline_s = settings.pool_size, settings.store_deadline_s
        if for_lists:
            # The database's own clock ends a list; ours is for a database that does not.
            size, self._deadline_s = settings.list_pool_size, settings.list_deadline_s + 1.0
        self._free = asyncio.Semaphore(size)
        self._session = {"application_name": "sessionary"}
        if settings.statement_cache:  # pgbouncer takes none of these
            self._session |= OPENED_WITH
            if for_lists:
                self._session["statement_timeout"] = f"{settings.list_deadline_s * 1000:.0f}"
        if settings.database_role is not None:
            self._session["role"] = settings.database_role
        self.reachability = reachability or Reachability()
        self.on_connect: Callable[[Fetch], Awaitable[None]] | None = None
        """Asked about each new connection; what it raises refuses that one."""
        self.failed = asyncio.Event()
        """Set when a statement failed in a passing way; whoever looks after it clears it."""

    async def close(self) -> None:
        """Give all connections back; those that hang are dropped."""
        while self._idle:
            connection = self._idle.pop()
            try:
                await connection.close(timeout=self._settings.store_deadline_s)
            except TRANSIENT:
                connection.terminate()

    async def fetch(
        self, sql: str, *arguments: object, timeout_s: float | None = None
    ) -> Sequence[asyncpg.Record]:
        """Rows of one statement. Raises one of TRANSIENT, or what the database refuses with.

        `timeout_s` bounds waiting for a connection and for the answer together.
        """
        loop = asyncio.get_running_loop()
        limit_s = self._deadline_s if timeout_s is None else timeout_s
        deadline = loop.time() + limit_s
        await self._enter(limit_s)
        connection: asyncpg.Connection | None = None
        try:
            connection = self._take() or await self._connect(deadline - loop.time())
            rows: list[asyncpg.Record] = await connection.fetch(
                sql, *arguments, timeout=deadline - loop.time()
            )
            self._idle.append(connection)
            self.reachability.answered()
            return rows
        except (asyncpg.QueryCanceledError, TimeoutError) as error:
            self._settle_late(connection, error)
            raise
        except asyncpg.PostgresError as error:
            self._settle(connection, error if isinstance(error, TRANSIENT) else None)
            raise
        except asyncpg.InterfaceError as error:
            # How asyncpg reports a connection that died under us.
            self._settle(connection, error)
            raise ConnectionError(str(error)) from error
        except asyncio.CancelledError:
            # Not kept, to be cancelled in good order: a server that hangs would keep us.
            if connection is not None:
                connection.terminate()
            raise
        except BaseException as error:
            self._settle(connection, error)
            raise
        finally:
            self._free.release()

    async def ask(self, sql: str, *arguments: object) -> Sequence[asyncpg.Record]:
        """As `fetch`, for reads: tried again while the deadline lasts, then StoreDown."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._settings.store_deadline_s
        while True:
            limit_s = self._deadline_s if self._for_lists else deadline - loop.time()
            try:
                return await self.fetch(sql, *arguments, timeout_s=limit_s)
            except TRANSIENT as error:
                if loop.time() + 0.05 >= deadline:
                    raise StoreDown("The database does not answer") from error
                await asyncio.sleep(0.05)

    async def ask_once(self, sql: str, *arguments: object) -> Sequence[asyncpg.Record]:
        """As `ask`, for a statement that is not to be sent twice: after StoreDown, it may be done.

        Raises StoreDown, or what the database refuses with.
        """
        try:
            return await self.fetch(sql, *arguments)
        except TRANSIENT as error:
            raise StoreDown("The database does not answer") from error

    async def _enter(self, limit_s: float) -> None:
        if self._free.locked():
            await asyncio.wait_for(self._free.acquire(), limit_s)
        else:
            await self._free.acquire()

    def _take(self) -> asyncpg.Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return None

    async def _connect(self, limit_s: float) -> asyncpg.Connection:
        connection: asyncpg.Connection = await asyncpg.connect(
            self._settings.database_url,
            timeout=limit_s,
            statement_cache_size=self._settings.statement_cache,
            server_settings=self._session,
            target_session_attrs=asyncpg.connect_utils.SessionAttribute.read_write,
        )
        try:
            if self._settings.statement_cache:
                await lift_time_outs(connection, limit_s)
            if self.on_connect is not None:
                await self.on_connect(partial(connection.fetch, timeout=limit_s))
        except BaseException:
            connection.terminate()
            raise
        return connection

    def _settle_late(self, connection: asyncpg.Connection | None, error: Exception) -> None:
        """As `_settle`, but a list that is late says nothing of the database: raises TooSlow."""
        if not self._for_lists or connection is None:
            self._settle(connection, error)
            return
        if isinstance(error, TimeoutError):
            connection.terminate()  # behind a pooler nobody else ends it, and it is still at work
        else:
            self._settle(connection, None)
        raise TooSlow(TOO_SLOW) from error

    def _settle(
        self, connection: asyncpg.Connection | None, broken_by: BaseException | None
    ) -> None:
        """Keep a connection that refused a statement; drop one that is no longer to be trusted."""
        if broken_by is not None:
            self.reachability.failed(broken_by)
            metrics.STORE_FAILURES.inc()
            self.failed.set()
            if connection is not None:
                connection.terminate()
        elif connection is not None:
            self._idle.append(connection)
