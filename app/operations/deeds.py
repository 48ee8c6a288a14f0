"""What operators did to the whole log: backups, verifications, rebuilds, changes of the key."""

import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

import asyncpg
import msgspec
from msgspec import Struct

from app.database.sql import blocks
from app.log.read import Asks

SQL = blocks(__file__)
KEPT = 1_000
"""Older ones are forgotten."""


class Covers(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a verification says of the log; the texts are sentences."""

    up_to: dict[int, int]
    """The last position of each partition, when it began."""
    checked: Sequence[str]
    not_checked: Sequence[str]


class Deed(Struct, frozen=True, kw_only=True, rename="camel"):
    """One of them."""

    name: str
    """Of the command."""
    ended_at: datetime
    age_seconds: float
    seconds: float
    """How long it took."""
    outcome: str
    well: bool
    login: str
    """Of the database, by which it was done."""
    address: str | None
    """Where that came from; null: from the database's own machine."""
    covers: Covers | None = None


class Recorder:
    """Puts a deed on record at its end."""

    def __init__(self, name: str) -> None:
        """`name`: of the command. It begins now."""
        self._name = name
        self._begun = time.monotonic()

    async def end(
        self,
        connection: asyncpg.Connection,
        outcome: str,
        *,
        well: bool = True,
        covers: Covers | None = None,
    ) -> None:
        """Write it down, unless the database takes no writes: on a standby, one may look only."""
        seconds = time.monotonic() - self._begun
        told = None if covers is None else msgspec.json.encode(covers).decode()
        with suppress(asyncpg.ReadOnlySQLTransactionError):
            await connection.execute(SQL["add"], self._name, seconds, outcome, well, told)
            await connection.execute(SQL["forget"], KEPT)


async def last(store: Asks, names: Sequence[str]) -> dict[str, Deed]:
    """The last deed of each name that has one. Raises StoreDown."""
    return {deed.name: deed for deed in await _latest(store, names, 1, len(names))}


async def latest(store: Asks, count: int) -> list[Deed]:
    """The latest ones, newest first. Raises StoreDown."""
    return await _latest(store, None, count, count)


async def named(store: Asks, name: str, count: int) -> list[Deed]:
    """The latest ones of a name, newest first. Raises StoreDown."""
    return await _latest(store, [name], count, count)


async def _latest(
    store: Asks, names: Sequence[str] | None, of_each: int, in_all: int
) -> list[Deed]:
    return list(map(_deed, await store.ask(SQL["latest"], names, of_each, in_all)))


def _deed(row: asyncpg.Record) -> Deed:
    return Deed(
        name=row["name"],
        ended_at=row["ended_at"],
        age_seconds=round(row["age_s"], 1),
        seconds=round(row["seconds"], 1),
        outcome=row["outcome"],
        well=row["well"],
        login=row["login"],
        address=row["address"],
        covers=None if row["covers"] is None else msgspec.json.decode(row["covers"], type=Covers),
    )
