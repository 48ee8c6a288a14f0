"""Backups that tests make and bring back."""

import asyncio
from pathlib import Path

from app.care.backup import Forget, Header, Restored, back_up, restore
from app.care.backup_keys import BackupKey
from app.log.keyring import Keyring
from app.maintenance.store import DataLocation, connected
from support import database
from support.beside import silent


async def backed_up(url: str, folder: Path, own: BackupKey | None = None) -> Header:
    """Back up a database into a new folder."""
    async with connected(url) as store:
        return await back_up(store, Keyring(database.MASTER_KEY), url, folder, own)


async def restored(
    url: str, folder: Path, home: Path, forget: Forget | None = None, keys: Path | None = None
) -> Restored:
    """Bring a backup into an empty database; `home`: where the master key is, or is put."""
    return await asyncio.to_thread(restore, _place(url, home), folder, silent, forget, keys)


def _place(url: str, home: Path) -> DataLocation:
    if not (home / "master.key").exists():
        database.write_master_key(home / "master.key")
    return DataLocation(database_url=url, data_dir=home, allow_unsafe_database=True)
