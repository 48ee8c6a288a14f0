"""Connections to the database: bounded waits, and one list of the errors that may pass."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from app.database.errors import TRANSIENT, StoreDown, Superseded, TooSlow
from app.database.held import Watch
from app.database.places import NoPlace, Places
from app.database.primary import CONNECT_S, Hosts
from app.database.session import OPENED_WITH, opened, worker_name
from app.database.sockets import notice_silence
from app.settings import Settings
from app.telemetry import metrics

Fetch = Callable[[str], Awaitable[Sequence[asyncpg.Record]]]
"""Runs one statement."""
AskOnce = Callable[..., Awaitable[Sequence[asyncpg.Record]]]
"""Runs one statement that writes, with its arguments."""
TOO_SLOW = "The list takes too long: ask for fewer or simpler rows"
QUIET_S = 10.0
"""Minimum seconds between two outage messages: a flapping database must not fill the log."""
_LOG = logging.getLogger("sessionary")


class Reachability:
    """Logs once when something fails, and once when it succeeds again."""

    def __init__(
        self,
        failing: str = "The database does not answer",
        succeeding: str = "The database answers again",
    ) -> None:
        """Assumes success; the arguments are the log messages."""
        self._words = failing, succeeding
        self._told = False
        self._quiet_until = 0.0
        self.cause: BaseException | None = None
        """The error of the last try; None when it succeeded."""

    def failed(self, error: BaseException) -> None:
        """Note that a statement, or a connection, failed in a passing way."""
        self.cause = error
        if self._told or time.monotonic() < self._quiet_until:
            return
        self._told = True
        self._quiet_until = time.monotonic() + QUIET_S
        _LOG.warning("%s: %s", self._words[0], cause_of(error))

    def answered(self) -> None:
        """Note that a statement was answered."""
        self.cause = None
        if self._told:
            self._told = False
            _LOG.info(self._words[1])


def cause_of(error: BaseException) -> str:
    """An error in words, which may be shown to anybody."""
    # The text of other errors may contain a part of the URL, and so of its password.
    words = " ".join(str(error).split()) if isinstance(error, TRANSIENT) else ""
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


class Busy(TimeoutError):
    """Another transaction holds a needed lock: nothing was done, a retry may succeed."""


class Pool:
    """A few connections that heal by themselves. Waits end in StoreDown, never hang.

    Writes have places of their own, so that unanswered writes leave the other places to reads.

    asyncpg's own pool spends a task, a shield and a reset on each use, 0.1 ms of processor time.
    Here nothing sets a session's state, so a connection that answered can be used again as it is.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        for_lists: bool = False,
        reachability: Reachability | None = None,
        hosts: Hosts | None = None,
    ) -> None:
        """Connects at the first statement.

        `for_lists`: a few separate connections for statements that may take long; the database
        itself ends those that take longer than `list_deadline_s`. `reachability`: of another pool
        on the same database, so that the two report an outage once. `hosts`: those of that pool.
        """
        self._settings = settings
        self._for_lists = for_lists
        self._deadline_s = limit_s = settings.store_deadline_s
        readers, ends_s = settings.pool_size - settings.pool_writers, limit_s + 0.5
        if for_lists:
            # The database's own clock ends a list; ours is for a database that fails to.
            readers, ends_s = settings.list_pool_size, settings.list_deadline_s
            self._deadline_s = settings.list_deadline_s + 1.0
        # This also ends a read whose caller gave up. A write must not get its lock after that.
        ends, waits = {"statement_timeout": in_ms(ends_s)}, {"lock_timeout": in_ms(limit_s / 2)}
        # (Behind pgbouncer nothing ends an abandoned statement, and nothing shows if it goes on.)
        holding = settings.statement_cache > 0
        self._reading = Places(readers, session_of(settings, ends), ending=True, holding=holding)
        self._writing = Places(settings.pool_writers, session_of(settings, waits))
        self._watch = Watch([self._writing, self._reading], self._connect)
        self.hosts = hosts or Hosts(settings.database_url)
        self.reachability = reachability or Reachability()
        self.writes = Reachability("Writes fail", "Writes succeed again")
        self.on_connect: Callable[[Fetch], Awaitable[None]] | None = None
        """Called for each new connection; an error that it raises refuses the connection."""
        self.failed = asyncio.Event()
        """Set when a statement failed in a passing way; its observer clears it."""
        self.disk_full = 0
        """Number of writes that met a full disk; the next write that finds space resets it to 0."""

    async def close(self) -> None:
        """Close all connections; drop those that hang."""
        self._watch.end()
        for places in (self._reading, self._writing):
            await places.close(self._settings.store_deadline_s)

    @property
    def places(self) -> dict[str, Places]:
        """Its connections, by what they are for."""
        if self._for_lists:
            return {"lists": self._reading}
        return {"reads": self._reading, "writes": self._writing}

    async def fetch(
        self, sql: str, *arguments: object, timeout_s: float | None = None
    ) -> Sequence[asyncpg.Record]:
        """The rows of one statement that may write, and so is never cancelled.

        `timeout_s` limits the wait for a connection and for the answer together. Raises one of
        TRANSIENT, after which the statement may be done or be done later, or the error by which
        the database refuses it.
        """
        limit_s = self._deadline_s if timeout_s is None else timeout_s
        return await self._run(self._writing, self.writes, sql, arguments, limit_s)

    def _tell(self, reachability: Reachability, error: Exception) -> None:
        """Report a failure; raise it in the form that callers expect, if it has another one."""
        if isinstance(error, asyncpg.LockNotAvailableError):
            self._failed(reachability, busy := Busy("Another transaction is in the way"))
            raise busy from error
        slow = isinstance(error, asyncpg.QueryCanceledError | TimeoutError)
        if self._for_lists and slow and not isinstance(error, NoPlace):
            # (Another statement finds out meanwhile whether the database is gone.)
            raise TooSlow(TOO_SLOW) from error
        if isinstance(error, asyncpg.UndefinedTableError):
            raise Superseded("Another release serves: it has a later version of a view") from error
        if isinstance(error, TRANSIENT):
            self._failed(reachability, error)
        elif isinstance(error, asyncpg.InterfaceError):
            # How asyncpg reports a connection that died under us.
            self._failed(reachability, error)
            raise ConnectionError(str(error)) from error

    def _failed(self, reachability: Reachability, error: BaseException) -> None:
        reachability.failed(error)
        self.disk_full += isinstance(error, asyncpg.DiskFullError)
        metrics.STORE_FAILURES.inc()
        self.failed.set()

    async def _run(
        self,
        places: Places,
        reachability: Reachability,
        sql: str,
        arguments: Sequence[object],
        limit_s: float,
    ) -> Sequence[asyncpg.Record]:
        late = partial(_answered_late, reachability)
        try:
            rows = await places.carry_out(self._connect, _is_kept, sql, arguments, limit_s, late)
        except Exception as error:
            self._tell(reachability, error)
            raise
        finally:
            if places.held and self._settings.statement_cache:
                # (Behind pgbouncer, a backend's process number means nothing.)
                self._watch.begin()
        reachability.answered()
        return rows

    async def ask(
        self, sql: str, *arguments: object, writes: bool = False
    ) -> Sequence[asyncpg.Record]:
        """As `fetch`, for a statement that may run twice: retries until the deadline.

        `writes`: whether it does more than read, such as draw from a sequence. Raises StoreDown
        after the deadline.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._settings.store_deadline_s
        while True:
            limit_s = self._deadline_s if self._for_lists else deadline - loop.time()
            try:
                if writes:
                    return await self.fetch(sql, *arguments, timeout_s=limit_s)
                return await self._run(self._reading, self.reachability, sql, arguments, limit_s)
            except TRANSIENT as error:
                if isinstance(error, NoPlace) or loop.time() + 0.05 >= deadline:
                    raise StoreDown("The database does not answer") from error
                await asyncio.sleep(0.05)

    async def ask_once(self, sql: str, *arguments: object) -> Sequence[asyncpg.Record]:
        """As `ask`, for a write that must not be sent twice.

        Raises StoreDown, after which the write may be done, or the error by which the database
        refuses it.
        """
        try:
            return await self.fetch(sql, *arguments)
        except TRANSIENT as error:
            raise StoreDown("The database does not answer") from error

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AskOnce]:
        """Runs statements that write in one transaction, for what is rare: it connects anew.

        What one of them locks stays locked until the block ends; that may not pause for longer than
        a statement may take. After an error of one, the others may go on. Raises StoreDown, after
        which all of it may be done, or the error by which the database refuses a statement.
        """
        try:
            connection = await self._connect(self._writing)
            try:
                async with connection.transaction():
                    pause = f"idle_in_transaction_session_timeout = {in_ms(self._deadline_s)}"
                    await connection.execute(f"SET LOCAL {pause}")
                    yield partial(_in_savepoint, connection, self._deadline_s)
            finally:
                connection.terminate()
        except asyncpg.InterfaceError as error:  # how asyncpg reports a connection that died
            raise StoreDown("The database does not answer") from error
        except TRANSIENT as error:
            raise StoreDown("The database does not answer") from error

    async def _connect(self, places: Places) -> asyncpg.Connection:
        return await self.hosts.connect(partial(self._connect_to, places))

    async def _connect_to(self, places: Places, host: str) -> asyncpg.Connection:
        connection = await opened(
            host, places.session, SessionAttribute.read_write,
            statement_cache=self._settings.statement_cache, limit_s=CONNECT_S,
        )  # fmt: skip
        notice_silence(connection)
        try:
            await self.hosts.admit(host, connection)
            if self.on_connect is not None:
                await self.on_connect(partial(connection.fetch, timeout=CONNECT_S))
        except BaseException:
            connection.terminate()
            raise
        return connection


async def _in_savepoint(
    connection: asyncpg.Connection, limit_s: float, sql: str, *arguments: object
) -> Sequence[asyncpg.Record]:
    async with connection.transaction():
        rows: Sequence[asyncpg.Record] = await connection.fetch(sql, *arguments, timeout=limit_s)
        return rows


def in_ms(seconds: float) -> str:
    """As PostgreSQL's settings take them."""
    return f"{seconds * 1000:.0f}"


def session_of(settings: Settings, limits: dict[str, str]) -> dict[str, str]:
    """The settings of a connection; pgbouncer accepts only a name and a role."""
    session = {"application_name": worker_name()}
    if settings.statement_cache:
        session |= OPENED_WITH | limits
    if settings.database_role is not None:
        session["role"] = settings.database_role
    return session


def _is_kept(error: BaseException) -> bool:
    """Whether a connection can still be used after it refused a statement with this error."""
    refused = isinstance(error, asyncpg.PostgresError) and not isinstance(error, TRANSIENT)
    return refused or isinstance(error, asyncpg.QueryCanceledError)


def _answered_late(told: Reachability, error: BaseException | None) -> None:
    if error is None:
        told.answered()
