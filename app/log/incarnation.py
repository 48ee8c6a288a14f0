"""Identifies the log behind the connections: a database can be replaced under a running service.

That happens when a dump is restored under the same name, and when a standby takes over.
"""

import logging
from collections.abc import Callable
from typing import NoReturn

import asyncpg

from app.database.pool import Fetch
from app.database.sql import blocks
from app.log.keyring import Keyring

SQL = blocks(__file__)
_LOG = logging.getLogger("sessionary")


class AnotherLog(ConnectionError):
    """The database now holds no log that this service may write to. The right one may come back."""


class Incarnation:
    """Recognises the database; if it was replaced, the caches of the earlier one are cleared.

    Only the master key of the new log must be the same. Stale caches would do no harm, since
    every append compares the stream's version; they only would be of no use any longer.
    """

    def __init__(self, keyring: Keyring) -> None:
        """`keyring`: of the only master key that the log may have."""
        self._keyring = keyring
        self._known: asyncpg.Record | None = None
        self._forget: list[Callable[[], None]] = []
        self._refused = False
        self.check_value: str | None = None
        """Value by which the log recognises its master key; each append names it."""

    def on_change(self, forget: Callable[[], None]) -> None:
        """Call `forget` when a replaced database is found."""
        self._forget.append(forget)

    async def check(self, fetch: Fetch) -> None:
        """Check the database that `fetch` queries. Raises AnotherLog, or an error of `fetch`."""
        try:
            (found,) = await fetch(SQL["look"])
        except (asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError) as error:
            self._refuse("The database holds no log, or not all of it yet", error)
        if found["check_value"] is None or not self._keyring.made(found["check_value"]):
            self._refuse("The log was written with another master key than the one given")
        if self._known is not None and found["migration"] < self._known["migration"]:
            self._refuse("The log is that of an older release: run `sessionary migrate`")
        if self._known is not None and found["partitions"] != self._known["partitions"]:
            self._refuse("The log has another number of partitions: start the service anew")
        self._refused = False
        self.check_value = found["check_value"]
        if self._known is not None and found != self._known:
            _LOG.warning("The database was replaced or started anew: nothing is remembered of it")
            for forget in self._forget:
                forget()
        self._known = found

    def _refuse(self, why: str, error: Exception | None = None) -> NoReturn:
        if not self._refused:
            self._refused = True
            _LOG.error("%s: nothing is read or written", why)
        raise AnotherLog(why) from error
