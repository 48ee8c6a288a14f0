"""Connections to the database: bounded waits, and one list of what a passing failure looks like."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg

from app import metrics
from app.log.errors import StoreDown
from app.settings import Settings

TRANSIENT: tuple[type[BaseException], ...] = (
    OSError,  # refused, reset, unreachable
    asyncio.TimeoutError,
    asyncpg.PostgresConnectionError,  # class 08, and ConnectionDoesNotExistError
    asyncpg.OperatorInterventionError,  # class 57: shut down, starting up, cancelled
    asyncpg.InsufficientResourcesError,  # class 53: disk full, too many connections
    asyncpg.PostgresSystemError,  # class 58: I/O error
    asyncpg.ReadOnlySQLTransactionError,  # a standby that was the primary
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.InternalClientError,  # seen when the server is killed in the middle of an answer
)
"""What may pass by itself; after any of these it is unknown whether a statement was committed."""


PROBES = {
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_material": "off",
}
"""The service's statements all probe indexes, and their plans are kept as long as a connection.

Without this, one made while the tables were small would scan them when they are large.
"""


class Pool:
    """A few connections that heal by themselves. Waits end in StoreDown, never hang."""

    def __init__(self, settings: Settings) -> None:
        """Use `open` first."""
        self._settings = settings
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self.failed = asyncio.Event()
        """Set when a statement failed in a passing way; whoever looks after it clears it."""

    async def open(self) -> None:
        """Make the pool; its connections are made when they are needed."""
        settings = self._settings
        session = {"application_name": "sessionary"}
        if settings.statement_cache:
            session |= PROBES
        if settings.database_role is not None:
            session["role"] = settings.database_role
        self._pool = await asyncpg.create_pool(
            settings.database_url,
            min_size=0,
            max_size=settings.pool_size,
            timeout=settings.store_deadline_s,
            statement_cache_size=settings.statement_cache,
            server_settings=session,
            target_session_attrs=asyncpg.connect_utils.SessionAttribute.read_write,
            # Nothing here sets a session's state, so there is nothing to reset: asyncpg's own
            # reset would cost each batch a second round trip.
            reset=_leave_as_it_is,
        )

    async def close(self) -> None:
        """Give all connections back; those that hang are dropped."""
        if self._pool is not None:
            try:
                await asyncio.wait_for(self._pool.close(), self._settings.store_deadline_s)
            except TimeoutError:
                self._pool.terminate()

    async def fetch(
        self, sql: str, *arguments: object, timeout_s: float | None = None
    ) -> Sequence[asyncpg.Record]:
        """Rows of one statement. Raises one of TRANSIENT, or what the database refuses with.

        `timeout_s` bounds waiting for a connection and for the answer together.
        """
        limit_s = self._settings.store_deadline_s if timeout_s is None else timeout_s
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limit_s
        try:
            async with self._acquire(limit_s) as connection:
                rows: list[asyncpg.Record] = await connection.fetch(
                    sql, *arguments, timeout=deadline - loop.time()
                )
                return rows
        except TRANSIENT:
            metrics.STORE_FAILURES.inc()
            self.failed.set()
            raise

    async def ask(self, sql: str, *arguments: object) -> Sequence[asyncpg.Record]:
        """As `fetch`, for reads: tried again while the deadline lasts, then StoreDown."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._settings.store_deadline_s
        while True:
            try:
                return await self.fetch(sql, *arguments, timeout_s=deadline - loop.time())
            except TRANSIENT as error:
                if loop.time() + 0.05 >= deadline:
                    raise StoreDown("The database does not answer") from error
                await asyncio.sleep(0.05)

    @asynccontextmanager
    async def _acquire(self, timeout_s: float) -> AsyncIterator[Any]:
        assert self._pool is not None, "open() comes first"  # noqa: S101
        try:
            connection = await self._pool.acquire(timeout=timeout_s)
        except asyncpg.InterfaceError as error:
            raise ConnectionError(str(error)) from error
        try:
            yield connection
        except TRANSIENT:
            # Not given back to be cancelled in good order: a server that hangs would keep us.
            with suppress(asyncpg.InterfaceError):  # it died, and went back by itself
                connection.terminate()
            raise
        except asyncpg.InterfaceError as error:
            # How asyncpg reports a connection that died under us; a bad value is a DataError.
            raise ConnectionError(str(error)) from error
        finally:
            await self._pool.release(connection)


async def _leave_as_it_is(_: object) -> None:
    return
