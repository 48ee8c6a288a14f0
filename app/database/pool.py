"""Connections to the database: bounded waits, and one list of what a passing failure looks like."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import asyncpg

from app.database.errors import StoreDown, TooSlow
from app.database.held import Watch
from app.database.hosts import each_host
from app.database.places import NoPlace, Places
from app.database.session import OPENED_WITH, lift_time_outs
from app.database.sockets import notice_silence
from app.settings import Settings
from app.telemetry import metrics

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
CONNECT_S = 5.0
"""How long one host may take to take a connection; who waits for it may give up before."""
_ANOTHER_MAY: tuple[type[BaseException], ...] = (
    OSError,  # refused, reset, unreachable, or not in time
    asyncpg.TargetServerAttributeNotMatched,
    asyncpg.CannotConnectNowError,
)
"""What a host fails with that is gone, or not the one to write to."""
QUIET_S = 10.0
"""After an outage was told, so long no other is: one that comes and goes would fill the log."""
_LOG = logging.getLogger("sessionary")


class Reachability:
    """Tells the log once when something fails, and once when it succeeds again."""

    def __init__(
        self,
        failing: str = "The database does not answer",
        succeeding: str = "The database answers again",
    ) -> None:
        """Takes all to be well; the words are what the log is told."""
        self._words = failing, succeeding
        self._told = False
        self._quiet_until = 0.0
        self.cause: BaseException | None = None
        """What the last try failed with; None when it succeeded."""

    def failed(self, error: BaseException) -> None:
        """A statement, or a connection, failed in a passing way."""
        self.cause = error
        if self._told or time.monotonic() < self._quiet_until:
            return
        self._told = True
        self._quiet_until = time.monotonic() + QUIET_S
        _LOG.warning("%s: %s", self._words[0], _cause(error))

    def answered(self) -> None:
        """A statement was answered."""
        self.cause = None
        if self._told:
            self._told = False
            _LOG.info(self._words[1])


def _cause(error: BaseException) -> str:
    # Other errors' words may hold a part of the URL, and so of its password.
    words = " ".join(str(error).split()) if isinstance(error, TRANSIENT) else ""
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


class Busy(TimeoutError):
    """Another transaction holds what a statement needs: nothing was done, a retry may succeed."""


class Pool:
    """A few connections that heal by themselves. Waits end in StoreDown, never hang.

    Those that write have places of their own, so that writes which the database does not answer
    leave the others to whoever reads.

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
        self._deadline_s = limit_s = settings.store_deadline_s
        readers, ends_s = settings.pool_size - settings.pool_writers, limit_s + 0.5
        if for_lists:
            # The database's own clock ends a list; ours is for a database that does not.
            readers, ends_s = settings.list_pool_size, settings.list_deadline_s
            self._deadline_s = settings.list_deadline_s + 1.0
        # What a caller gave up ends there as well, and who waits for a lock is not to get it then.
        ends, waits = {"statement_timeout": _ms(ends_s)}, {"lock_timeout": _ms(limit_s / 2)}
        # (Behind pgbouncer nothing ends what is given up, and nobody finds out whether it goes on.)
        holding = settings.statement_cache > 0
        self._reading = Places(readers, _session(settings, ends), ending=True, holding=holding)
        self._writing = Places(settings.pool_writers, _session(settings, waits))
        self._watch = Watch([self._writing, self._reading], self._connect)
        self._hosts = each_host(settings.database_url)
        self.reachability = reachability or Reachability()
        self.writes = Reachability("Writes fail", "Writes succeed again")
        self.on_connect: Callable[[Fetch], Awaitable[None]] | None = None
        """Asked about each new connection; what it raises refuses that one."""
        self.failed = asyncio.Event()
        """Set when a statement failed in a passing way; whoever looks after it clears it."""
        self.disk_full = 0
        """How many writes found no room since one did; whoever finds some again sets it to 0."""

    async def close(self) -> None:
        """Give all connections back; those that hang are dropped."""
        self._watch.end()
        for places in (self._reading, self._writing):
            await places.close(self._settings.store_deadline_s)

    async def fetch(
        self, sql: str, *arguments: object, timeout_s: float | None = None
    ) -> Sequence[asyncpg.Record]:
        """Rows of one statement that may write, and so is never cancelled.

        `timeout_s` bounds waiting for a connection and for the answer together. Raises one of
        TRANSIENT, after which it may be done or be done later, or what the database refuses with.
        """
        limit_s = self._deadline_s if timeout_s is None else timeout_s
        return await self._run(self._writing, self.writes, sql, arguments, limit_s)

    def _tell(self, reachability: Reachability, error: Exception) -> None:
        """Tell of a failure, and raise it as callers know it where that is not how it came."""
        if isinstance(error, asyncpg.LockNotAvailableError):
            self._failed(reachability, busy := Busy("Another transaction is in the way"))
            raise busy from error
        slow = isinstance(error, asyncpg.QueryCanceledError | TimeoutError)
        if self._for_lists and slow and not isinstance(error, NoPlace):
            # (Whether the database is gone, another question finds out meanwhile.)
            raise TooSlow(TOO_SLOW) from error
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
                # (Behind pgbouncer, a process number means nothing.)
                self._watch.begin()
        reachability.answered()
        return rows

    async def ask(
        self, sql: str, *arguments: object, writes: bool = False
    ) -> Sequence[asyncpg.Record]:
        """As `fetch`, for what may be done twice: tried while the deadline lasts, then StoreDown.

        `writes`: it is no mere look, such as the next number of a sequence.
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
        """As `ask`, for a write that is not to be sent twice: after StoreDown, it may be done.

        Raises StoreDown, or what the database refuses with.
        """
        try:
            return await self.fetch(sql, *arguments)
        except TRANSIENT as error:
            raise StoreDown("The database does not answer") from error

    async def _connect(self, places: Places) -> asyncpg.Connection:
        """To the first host that takes writes; the one that did so last is asked first."""
        failed: BaseException | None = None
        for host in list(self._hosts):
            try:
                connection = await self._connect_to(host, places)
            except _ANOTHER_MAY as error:
                failed = error
                continue
            self._hosts.remove(host)
            self._hosts.insert(0, host)
            return connection
        assert failed is not None  # there is a host
        raise failed

    async def _connect_to(self, host: str, places: Places) -> asyncpg.Connection:
        connection: asyncpg.Connection = await asyncpg.connect(
            host,
            timeout=CONNECT_S,
            statement_cache_size=self._settings.statement_cache,
            server_settings=dict(places.session),
            target_session_attrs=asyncpg.connect_utils.SessionAttribute.read_write,
        )
        notice_silence(connection)
        try:
            if self._settings.statement_cache:
                await lift_time_outs(connection, CONNECT_S)
            if self.on_connect is not None:
                await self.on_connect(partial(connection.fetch, timeout=CONNECT_S))
        except BaseException:
            connection.terminate()
            raise
        return connection


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f}"


def _session(settings: Settings, limits: dict[str, str]) -> dict[str, str]:
    """How a connection is set up; pgbouncer takes no more than a name and a role."""
    session = {"application_name": "sessionary"}
    if settings.statement_cache:
        session |= OPENED_WITH | limits
    if settings.database_role is not None:
        session["role"] = settings.database_role
    return session


def _is_kept(error: BaseException) -> bool:
    """Whether a connection that refused a statement so is still to be trusted."""
    refused = isinstance(error, asyncpg.PostgresError) and not isinstance(error, TRANSIENT)
    return refused or isinstance(error, asyncpg.QueryCanceledError)


def _answered_late(told: Reachability, error: BaseException | None) -> None:
    if error is None:
        told.answered()
