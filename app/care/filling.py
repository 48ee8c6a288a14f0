"""`import` at a place: the key that it needs, the database that it makes, the lines in it."""

import asyncio
from collections.abc import Iterator

from app.care.importing import Imported, import_lines
from app.care.incoming import begun, first_line
from app.care.lines import Altered, LogKeys
from app.database.new_log import NewLog
from app.history.streams import Progress
from app.log.errors import WrongMasterKey
from app.log.keyring import Keyring, KeySettings, fingerprint_of
from app.maintenance.keys import present_key, require_fit
from app.maintenance.store import (
    DataLocation,
    SchemaPermission,
    connected,
    database,
    up_to_date,
)


def filled(where: DataLocation, lines: Iterator[bytes], progress: Progress) -> Imported:
    """Import the lines of an export into the log at a place, which is made if there is none.

    Raises Altered, NotEmpty, WrongMasterKey, SchemaError, and as `database` and `connected` do.
    """
    first, keys = first_line(lines)
    keyring = _keyring(where, keys)
    begun(keyring, first)

    async def run(url: str) -> Imported:
        async with connected(url, where.statement_cache) as store:
            await require_fit(store, where)
            log = NewLog(partitions=len(keys.positions))
            await up_to_date(store, SchemaPermission.MIGRATE, log)
            return await import_lines(store, keyring, keys, first, lines, progress)

    with database(where, SchemaPermission.MIGRATE) as url:
        return asyncio.run(run(url))


def _keyring(where: DataLocation, keys: LogKeys) -> Keyring:
    key = present_key(where)
    if fingerprint_of(key) != keys.master_key:
        raise WrongMasterKey(
            f"The export is of a log with the master key {keys.master_key}, but {where.key_file} "
            f"holds {fingerprint_of(key)}"
        )
    keyring = Keyring(key)
    try:
        keyring.adopt(KeySettings(check=keys.check, root=keys.root))
    except WrongMasterKey as error:
        raise Altered("Line 1: the log's keys in it were altered") from error
    return keyring
