"""A log while it is being restored, as an erasure sees it: one connection, in one transaction."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import asyncpg

from app.database.pool import AskOnce, Fetch
from app.history.reader import Reader, reader_on
from app.log.keyring import Keyring
from app.maintenance.store import Connection
from domain.ids import StreamId, partition_of


class _Store:
    def __init__(self, store: Connection) -> None:
        self._store = store

    async def ask(
        self, sql: str, *arguments: object, writes: bool = False
    ) -> Sequence[asyncpg.Record]:
        return await self._store.ask(sql, *arguments)

    async def ask_once(self, sql: str, *arguments: object) -> Sequence[asyncpg.Record]:
        return await self._store.ask_once(sql, *arguments)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AskOnce]:
        yield self.ask_once


class _Identity:
    def __init__(self, check_value: str) -> None:
        self.check_value: str | None = check_value

    async def check(self, fetch: Fetch) -> None:
        """Nothing else can change it: its transaction is not committed."""


class RestoredLog:
    """What an erasure needs of the log."""

    erasures_to: Sequence[Path] = ()

    def __init__(self, store: Connection, keyring: Keyring, reader: Reader, check: str) -> None:
        """Use `restored_log`."""
        self.pool = _Store(store)
        self.keyring = keyring
        self.reader = reader
        self.incarnation = _Identity(check)
        self.partition: Callable[[StreamId], int] = partial(
            partition_of, partitions=reader.partitions
        )
        self.seal_in_view = keyring.seal_in_view


async def restored_log(store: Connection, keyring: Keyring, check_value: str) -> RestoredLog:
    """The log behind a connection; `check_value`: what it has of its master key."""
    return RestoredLog(store, keyring, await reader_on(store, keyring), check_value)
