"""Finds out by a small write whether the database takes writes right now, and if not, why."""

import asyncio
import time

import asyncpg

from app.concurrency.ttl_cache import in_the_background
from app.database.errors import StoreDown
from app.database.pool import Pool
from app.database.primary import StalePrimary
from app.database.sql import blocks

SQL = blocks(__file__)
_TRY_S = 1.0
"""Minimum seconds between two trial writes, while no write fails."""
_READ_ONLY = "The database takes no writes"
_DISK_FULL = "The database's disk is full"
_CAUSES: tuple[tuple[type[BaseException], str], ...] = (
    (asyncpg.ReadOnlySQLTransactionError, _READ_ONLY),
    (asyncpg.TargetServerAttributeNotMatched, _READ_ONLY),
    (StalePrimary, "The database's only primary is an old one"),
    (TimeoutError, "The database does not answer a write in time"),
)


class Readiness:
    """Tries to write on behalf of all callers: at most once a second."""

    def __init__(self, pool: Pool) -> None:
        """Makes no trial write yet."""
        self._pool = pool
        self._tried: asyncio.Task[str | None] | None = None
        self._tried_at = 0.0

    async def reason_against(self) -> str | None:
        """The reason why the database takes no writes; None when it does.

        Sends a small write, since nobody else may be writing; at once if a write has failed.
        """
        tried, now = self._tried, time.monotonic()
        fails = self._pool.writes.cause is not None or self._pool.disk_full > 0
        over = now > self._tried_at + _TRY_S
        # (A failure from before a successful write no longer counts.)
        if tried is None or (tried.done() and (fails or over or tried.result() is not None)):
            self._tried_at = now
            tried = self._tried = in_the_background(self._try_to_write())
        return await asyncio.shield(tried)

    async def _try_to_write(self) -> str | None:
        full = self._pool.disk_full
        try:
            await self._pool.ask(SQL["try_room" if full else "try_to_write"], writes=True)
        except StoreDown as error:
            # (The last of several tries may have had no time left to find out the same.)
            known = _DISK_FULL if self._pool.disk_full else _in_words(self._pool.writes.cause)
            return known or str(error)
        except asyncpg.PostgresError as error:
            self._pool.writes.failed(error)
            return "The database refuses to write"
        if full == self._pool.disk_full:  # else another write found none meanwhile
            self._pool.disk_full = 0
        return None


def _in_words(cause: BaseException | None) -> str | None:
    """The reason for a failed write, without possible secrets; None for any other cause."""
    return next((words for kind, words in _CAUSES if isinstance(cause, kind)), None)
