"""Backups under keys of their own, and the end of earlier ones."""

from pathlib import Path

from app.care import backup_keys
from app.care.backup import Header, back_up
from app.care.backup_records import put_destroyed
from app.erasure.listed import log_name
from app.log.keyring import Keyring
from app.maintenance.store import Connection


async def seal(
    store: Connection, keyring: Keyring, url: str, folder: Path, keys: Path, days: int
) -> tuple[Header, list[str]]:
    """Back up as `back_up` does, under a new key of a folder, which is to go after some days.

    Those that are past their time are destroyed, and it goes on record; their ids are returned.
    """
    own = backup_keys.new(keys, days, await log_name(store))
    made = await back_up(store, keyring, url, folder, own)
    gone = backup_keys.retire(keys)
    await put_destroyed(store, keys)
    return made, gone
