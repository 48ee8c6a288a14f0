"""`backup` and `restore`: the whole database, with a header of what it is.

A backup is PostgreSQL's own dump in the directory format, and `backup.json` in it: the heads and
their times, the fingerprint of the master key, and a hash of each file under a key that derives
from the master key. The master key itself is not in it. With a key of its own, the dump is one file
in the custom format, sealed under that key and the master key, neither of which is in it.
"""

import asyncio
import hashlib
import hmac
import os
import shutil
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from app.care import backup_keys
from app.care.backup_keys import BackupKey
from app.care.backup_records import put_begun
from app.care.importing import NotEmpty
from app.care.lines import Altered, Checkpoint
from app.care.restored_log import RestoredLog, restored_log
from app.care.sealed_file import Sealing, opened
from app.database import migrate
from app.database.distribution import is_distributed
from app.database.programs import run, run_in, run_out
from app.database.sql import blocks
from app.database.uuids import new_uuid
from app.erasure.again import Again
from app.history.streams import Progress
from app.history.times import time_text
from app.integrity import guards
from app.integrity.verify import verify
from app.log.errors import WrongMasterKey
from app.log.keyring import Keyring, fingerprint_of
from app.log.read import key_settings
from app.maintenance.durable_files import sync_folder
from app.maintenance.keys import present_key, require_fit
from app.maintenance.secret_file import UnusableFile
from app.maintenance.store import (
    Connection,
    DataLocation,
    SchemaPermission,
    connected,
    database,
    up_to_date,
)
from app.maintenance.swaps import without_swaps
from app.maintenance.urls import UnusableDatabase
from app.rebuild.refills import SCHEMA

SQL = blocks(__file__)
HEADER = "backup.json"
_SEALED = "dump.sealed"
_PURPOSE = b"sessionary backup"
_LEFT_OUT = ("--exclude-table-data=public.lease", f"--exclude-schema={SCHEMA}")
"""Leases are of processes: one that works on what it read before a restore has none after it.

And what was not made anew to its end is of no use."""


Forget = Callable[[RestoredLog], Awaitable[Again]]
"""Erases again what was erased since a backup."""


class RotationUnfinished(Exception):
    """A change of the master key was begun: a backup would hold it half done."""


class Header(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a backup is of."""

    positions: dict[int, int]
    """The last position of each partition."""
    recorded_at: dict[int, str]
    """And its time."""
    taken_at: str
    master_key: str
    """Fingerprint."""
    server: int
    """The major version of PostgreSQL that the dump is of."""
    files: dict[str, str]
    """SHA-256 of each, by name."""
    key: str | None = None
    """The id of its own key; None: it has none, and is not sealed."""
    until: str | None = None
    """When that key is to be destroyed."""
    signature: str = ""
    """Keyed hash of all this."""


class Restored(Struct, frozen=True):
    """The result of a restore."""

    header: Header
    differences: list[str]
    """As from `verify`; empty if all is well."""
    again: Again | None
    """What was erased again; None: no list was given."""


async def back_up(
    store: Connection, keyring: Keyring, url: str, folder: Path, own: BackupKey | None = None
) -> Header:
    """Dump the database at `url` into a new folder, beside everything that goes on but rebuilds.

    `own`: seals it, so that nothing in the clear comes to a disk. Raises RotationUnfinished,
    UnusableDatabase, ProgramFailed, OSError.
    """
    await _require_whole(store)
    await put_begun(store, own)
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    major = store.raw.get_server_version().major
    async with (
        without_swaps(store),  # the dump would have an empty table
        store.raw.transaction(isolation="repeatable_read", readonly=True),
    ):
        snapshot = await store.raw.fetchval(SQL["snapshot"])
        heads = await store.raw.fetch(SQL["heads"])
        await _dump(major, url, [f"--snapshot={snapshot}", *_LEFT_OUT], part, own, keyring)
    header = Header(
        positions={row["partition"]: row["position"] for row in heads},
        recorded_at={
            row["partition"]: time_text(row["recorded_at"]) for row in heads if row["position"]
        },
        taken_at=time_text(datetime.now(UTC)),
        master_key=keyring.fingerprint_of_key,
        server=major,
        files=_hashes(part),
        key=None if own is None else own.id,
        until=None if own is None else time_text(own.until),
    )
    signed = msgspec.structs.replace(header, signature=_signature(header, keyring))
    await asyncio.to_thread(_settle, part, folder, signed)
    return signed


async def _require_whole(store: Connection) -> None:
    if await is_distributed(store.ask):
        raise UnusableDatabase(
            "The log's tables are on several nodes, and one dump does not bring them back: keep an "
            "export (`sessionary export`), or a base backup and the WAL of each node, with Citus's "
            "restore points"
        )
    if (await key_settings(store)).next_check is not None:
        raise RotationUnfinished(
            "A change of the master key was begun: finish it with `sessionary keys rotate` first"
        )


async def _dump(
    major: int, url: str, arguments: list[str], part: Path, own: BackupKey | None, keyring: Keyring
) -> None:
    if own is None:
        into = ["--format=directory", f"--file={part}"]
        await run("pg_dump", major, url, [*into, *arguments])
        return
    part.mkdir(mode=0o700)
    with Sealing(part / _SEALED, own.opening(keyring)) as file:
        await run_out("pg_dump", major, url, ["--format=custom", *arguments], file.write)
        file.finish()


def restore(
    where: DataLocation,
    folder: Path,
    progress: Progress,
    forget: Forget | None = None,
    keys: Path | None = None,
) -> Restored:
    """Bring a backup into an empty database, or a data directory without one, and verify it.

    The service's role can read it only after `forget`. `keys`: the folder that has its own key.
    Raises Altered, Damaged, NotEmpty, WrongMasterKey, UnusableFile, ProgramFailed, what `forget`
    raises, and as `database` and `connected` do.
    """
    keyring, header = _checked(where, folder)
    opening = _opening(header, keyring, keys)

    async def work(url: str) -> Restored:
        async with connected(url, where.statement_cache) as store:
            await require_fit(store, where)
            (found,) = await store.ask(migrate.SQL["state"])
            if found["has_tables"]:
                raise NotEmpty("The database has tables: a backup is restored into an empty one")
            major = max(header.server, store.raw.get_server_version().major)
            whole = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
            if opening is None:
                await run("pg_restore", major, url, [*whole, "--format=directory", str(folder)])
            else:
                parts = opened(folder / _SEALED, opening)
                await run_in("pg_restore", major, url, [*whole, "--format=custom"], parts)
        # (Another connection: it would remember what the tables were.)
        async with connected(url, where.statement_cache) as store:
            differences, again = await _brought_up(store, keyring, header, forget)
            differences += await guards.missing(store)
            differences += await verify(store, keyring, progress)
            return Restored(header, differences, again)

    with database(where, SchemaPermission.MIGRATE) as url:
        return asyncio.run(work(url))


def ahead(checkpoint: Checkpoint, header: Header) -> list[str]:
    """What a checkpoint has that a backup has not, in sentences."""
    return [
        f"The checkpoint is {position - has} events ahead: {partition}:{has + 1} to "
        f"{partition}:{position} are not here"
        for partition, position in sorted(checkpoint.positions.items())
        if position > (has := header.positions.get(partition, 0))
    ]


async def _brought_up(
    store: Connection, keyring: Keyring, header: Header, forget: Forget | None
) -> tuple[list[str], Again | None]:
    """Make a restored database this release's, with its rights, and what was erased erased.

    A backup comes without rights, so that nobody but the owner can read it before this is done.
    """
    async with store.raw.transaction():
        await up_to_date(store, SchemaPermission.MIGRATE)
        keyring.adopt(await key_settings(store))
        check_value = keyring.check_value()
        await store.ask_once(SQL["settle"], check_value, str(new_uuid()))
        differences = [
            f"Partition {row['partition']} is at {row['position']}, not where the backup says"
            for row in await store.ask(SQL["heads"])
            if header.positions.get(row["partition"]) != row["position"]
        ]
        if forget is None:
            return differences, None
        return differences, await forget(await restored_log(store, keyring, check_value))


def _checked(where: DataLocation, folder: Path) -> tuple[Keyring, Header]:
    """The key and the header of a backup that is as it was made."""
    try:
        header = msgspec.json.decode((folder / HEADER).read_bytes(), type=Header)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Altered(f"{folder} is no backup, or its {HEADER} was altered") from error
    key = present_key(where)
    if fingerprint_of(key) != header.master_key:
        raise WrongMasterKey(
            f"The backup is of a log with the master key {header.master_key}, but {where.key_file} "
            f"holds {fingerprint_of(key)}"
        )
    keyring = Keyring(key)
    if not hmac.compare_digest(header.signature, _signature(header, keyring)):
        raise Altered(f"{folder / HEADER} was altered")
    found = _hashes(folder)
    for name in sorted(found.keys() | header.files.keys()):
        if found.get(name) != header.files.get(name):
            what = "is missing" if name not in found else "was altered, or added"
            raise Altered(f"{folder / name} {what}")
    return keyring, header


def _opening(header: Header, keyring: Keyring, keys: Path | None) -> bytes | None:
    """What opens a sealed backup; None: it is not sealed."""
    if header.key is None:
        return None
    if keys is None:
        raise UnusableFile(
            f"The backup is sealed under the key {header.key}, which can be there until "
            f"{header.until}: name the folder that has it with --backup-keys"
        )
    return backup_keys.read(keys, header.key).opening(keyring)


def _hashes(folder: Path) -> dict[str, str]:
    found = {}
    for path in folder.iterdir():
        if path.name != HEADER:
            with path.open("rb") as file:
                found[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _signature(header: Header, keyring: Keyring) -> str:
    members = msgspec.to_builtins(msgspec.structs.replace(header, signature=""), str_keys=True)
    there = {name: value for name, value in members.items() if value is not None}
    text = msgspec.json.encode(there, order="sorted")
    return hmac.digest(keyring.signing_key(_PURPOSE), text, "sha256").hex()


def _settle(part: Path, folder: Path, header: Header) -> None:
    """Give the folder its name, once it is on disk."""
    (part / HEADER).write_bytes(msgspec.json.format(msgspec.json.encode(header)) + b"\n")
    for path in part.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    sync_folder(part)
    part.rename(folder)
    sync_folder(folder.parent)
