"""What the log knows of its backups: that they were begun, and that their keys were destroyed.

A key goes whether the log can be reached or not. That it is gone stays in the folder of keys until
the log has it on record.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import asyncpg
from msgspec import Struct

from app.care import backup_keys
from app.care.backup_keys import BackupKey
from app.database.sql import blocks
from app.erasure.listed import log_name
from app.history.times import time_text
from app.log.read import Asks
from app.maintenance.store import Connection
from app.operations.deeds import Recorder

SQL = blocks(__file__)
_SHOWN = 1_000
_LOG = logging.getLogger("sessionary")


class KnownKey(Struct, frozen=True, kw_only=True, rename="camel"):
    """A backup's own key as the log knows it."""

    id: str
    begun_at: str
    """Of the backup."""
    until: str
    """When the key is to be destroyed."""
    destroyed_at: str | None
    """When it was; null: nothing says so."""
    destroyed_by: str | None
    """The database's login that put it on record."""
    destroyed_from: str | None
    """Where that came from; null: from the database's own machine."""


async def put_begun(store: Connection, own: BackupKey | None) -> None:
    """Let receipts know of a backup, whatever becomes of it."""
    values = (None, None) if own is None else (own.until, own.id)
    try:
        await store.raw.execute(SQL["begin"], *values)
    except asyncpg.ReadOnlySQLTransactionError:
        _LOG.warning("The database takes no writes: receipts of erasures do not know this backup")


async def put_destroyed(store: Connection, folder: Path) -> list[str]:
    """Put on record which keys of a folder were destroyed; their ids.

    Those of another log's backups stay for that log. Raises UnusableFile, OSError.
    """
    log = await log_name(store)
    mine = [each for each in backup_keys.destroyed(folder) if each.log in (None, log)]
    if not mine:
        return []
    deed, names = Recorder("keys retire-backups"), [each.id for each in mine]
    try:
        async with store.raw.transaction():
            for each in mine:
                values = (each.id, each.made_at, each.until, each.destroyed_at)
                await store.raw.execute(SQL["destroyed"], *values)
            await deed.end(store.raw, f"destroyed the keys of backups {', '.join(names)}")
    except asyncpg.ReadOnlySQLTransactionError:
        _LOG.warning("The database takes no writes: it is not on record which keys were destroyed")
        return []
    backup_keys.forget(folder, names)
    return names


async def known_keys(store: Asks) -> Sequence[KnownKey]:
    """The latest keys of sealed backups, newest first."""
    return [
        KnownKey(
            id=row["key_id"], begun_at=time_text(row["begun_at"]), until=time_text(row["until"]),
            destroyed_at=None if row["destroyed_at"] is None else time_text(row["destroyed_at"]),
            destroyed_by=row["destroyed_by"], destroyed_from=row["destroyed_from"],
        )
        for row in await store.ask(SQL["keys"], _SHOWN)
    ]  # fmt: skip
