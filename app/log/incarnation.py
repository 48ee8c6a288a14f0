"""Identifies the log behind the connections: a database can be replaced under a running service.

That happens when a dump is restored under the same name, and when a standby takes over.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

import asyncpg
import msgspec

from app.database.errors import StoreDown
from app.database.pool import Fetch
from app.database.sql import blocks
from app.log.errors import WrongMasterKey
from app.log.keyring import Keyring, KeySettings
from app.log.stream_keys import forget_keys
from domain.ids import StreamId

SQL = blocks(__file__)
LOOK_S = 2.0
"""Seconds between two looks of a worker."""
_LOG = logging.getLogger("sessionary")


class AnotherLog(ConnectionError):
    """The database now holds no log that this service may write to. The right one may come back."""


class Incarnation:
    """Recognises the database; if it was replaced, the caches of the earlier one are cleared.

    Only the master key of the new log must be the same. Stale caches would do no harm, since
    every append compares the stream's version; they only would be of no use any longer.
    """

    def __init__(self, keyring: Keyring) -> None:
        """`keyring`: has a master key of the log, and is given what the log keeps beside it."""
        self._keyring = keyring
        self._known: asyncpg.Record | None = None
        self._keys: KeySettings | None = None
        self._forget: list[Callable[[], None]] = []
        self._refused = False
        self.check_value: str | None = None
        """Value by which the log recognises its master key; each append names it."""

    def on_change(self, forget: Callable[[], None]) -> None:
        """Call `forget` when a replaced database is found, or when personal data was erased."""
        self._forget.append(forget)

    async def check(self, fetch: Fetch) -> None:
        """Check the database that `fetch` queries. Raises AnotherLog, or an error of `fetch`."""
        try:
            (found,) = await fetch(SQL["look"])
        except (asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError) as error:
            self._refuse("The database holds no log, or not all of it yet", error)
        keys = msgspec.json.decode(found["keys"] or "{}", type=KeySettings)
        if keys != self._keys:
            self._take_keys(keys)
        if self._known is not None and found["migration"] < self._known["migration"]:
            self._refuse("The log is that of an older release: run `sessionary migrate`")
        if self._known is not None and found["partitions"] != self._known["partitions"]:
            self._refuse("The log has another number of partitions: start the service anew")
        self._refused = False
        self.check_value = keys.check
        if self._known is not None and _place(found) != _place(self._known):
            _LOG.warning("The database was replaced or started anew: nothing is remembered of it")
            self._forget_all()
        elif self._known is not None and found["erasure"] != self._known["erasure"]:
            # (What is shown or written compares the stream's keys; this is for what is in memory.)
            self._forget_all()
        self._known = found

    async def keep_looking(self, fetch: Fetch) -> None:
        """Look from time to time, for as long as the worker lives.

        So a worker that only reads learns of a new master key before streams are sealed under it.
        """
        while True:
            await asyncio.sleep(LOOK_S)
            # (Whoever needs the database finds out about it; this only looks.)
            with suppress(StoreDown, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await self.check(fetch)

    def rewrap(self, stream: StreamId, wrapped: bytes) -> bytes:
        """A new stream's wrapped key, under the newest master key. Raises Unreadable."""
        return self._keyring.rewrap(stream, wrapped)

    def _forget_all(self) -> None:
        forget_keys()
        for forget in self._forget:
            forget()

    def _take_keys(self, keys: KeySettings) -> None:
        before = self._keyring.fingerprint_of_key
        try:
            self._keyring.adopt(keys)
        except WrongMasterKey as error:
            self._refuse(str(error), error)
        now = self._keyring.fingerprint_of_key
        if now != before:
            _LOG.info("The master key is being changed: new keys are under %s", now)
        if self._keys is not None and self._keys.next_check and not keys.next_check:
            _LOG.warning("The master key was changed to %s: start the service with it", now)
        self._keys = keys

    def _refuse(self, why: str, error: Exception | None = None) -> NoReturn:
        if not self._refused:
            self._refused = True
            _LOG.error("%s: nothing is read or written", why)
        raise AnotherLog(why) from error


def _place(found: asyncpg.Record) -> tuple[object, ...]:
    return tuple(
        found[name] for name in ("migration", "partitions", "database", "started", "restored")
    )
