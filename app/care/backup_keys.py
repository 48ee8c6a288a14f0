"""Keys of backups: one for each, in a folder outside the database, destroyed at its horizon.

A backup that is sealed under such a key can be opened by nobody once the key is gone, whoever has
the backup and the master key.
"""

import base64
import os
import secrets
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct

from app.history.times import time_text
from app.log.keyring import Keyring, derived
from app.log.stream_keys import KEY_BYTES
from app.maintenance.durable_files import put, sync_folder
from app.maintenance.secret_file import UnusableFile, read_secret

_PURPOSE = b"sessionary sealed backup"
_SUFFIX = ".key.json"
_GONE = ".destroyed.json"
_ID_BYTES = 8


class BackupKey(Struct, frozen=True, kw_only=True, rename="camel"):
    """A key as it is kept."""

    id: str
    made_at: datetime
    until: datetime
    """When it is to be destroyed."""
    key: bytes
    log: str | None = None
    """The name of the log that it is a backup of, if known."""

    def opening(self, keyring: Keyring) -> bytes:
        """What seals and opens the backup: it takes the master key as well."""
        return derived(self.key + keyring.signing_key(_PURPOSE), _PURPOSE, KEY_BYTES)


class Kept(Struct, frozen=True, kw_only=True, rename="camel"):
    """A key as it is shown."""

    id: str
    made_at: str
    until: str
    due: bool
    """Whether it is past its time, and still there."""


class Destroyed(Struct, frozen=True, kw_only=True, rename="camel"):
    """A key that is gone, until the log has it on record."""

    id: str
    made_at: datetime
    until: datetime
    destroyed_at: datetime
    log: str | None


def new(folder: Path, days: int, log: str | None = None) -> BackupKey:
    """A key for a backup of a log, on disk, to be destroyed after some days. Raises OSError."""
    now = datetime.now(UTC)
    made = BackupKey(
        id=f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(_ID_BYTES)}",
        made_at=now,
        until=now + timedelta(days=days),
        key=os.urandom(KEY_BYTES),
        log=log,
    )
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".") as file:  # 0600
        file.write(msgspec.json.encode(made) + b"\n")
        file.flush()
        os.fsync(file.fileno())
        os.link(file.name, _path(folder, made.id))
    sync_folder(folder)
    return made


def read(folder: Path, name: str) -> BackupKey:
    """A key. Raises UnusableFile if it is gone or altered, OSError."""
    return _read(_path(folder, name))


def kept(folder: Path) -> list[Kept]:
    """The keys that are there, oldest first. Raises UnusableFile, OSError."""
    now = datetime.now(UTC)
    return [
        Kept(
            id=each.id, made_at=time_text(each.made_at), until=time_text(each.until),
            due=each.until <= now,
        )
        for each in _all(folder)
    ]  # fmt: skip


def retire(folder: Path) -> list[str]:
    """Destroy the keys that are past their time; their ids. Run again, it goes on.

    Raises UnusableFile, OSError.
    """
    now = datetime.now(UTC)
    due = [each for each in _all(folder) if each.until <= now]
    for each in due:
        gone = Destroyed(
            id=each.id, made_at=each.made_at, until=each.until, destroyed_at=now, log=each.log
        )
        put(_note(folder, each.id), msgspec.json.encode(gone) + b"\n")
        _destroy(_path(folder, each.id))
    if due:
        sync_folder(folder)
    return [each.id for each in due]


def destroyed(folder: Path) -> list[Destroyed]:
    """The keys that are gone and perhaps not on record. Raises UnusableFile, OSError."""
    found = map(_noted, sorted(folder.glob(f"*{_GONE}")))
    return [each for each in found if not _path(folder, each.id).exists()]


def forget(folder: Path, names: Sequence[str]) -> None:
    """Forget keys that are gone and on record. Raises OSError."""
    for name in names:
        _note(folder, name).unlink(missing_ok=True)


def _all(folder: Path) -> list[BackupKey]:
    return list(map(_read, sorted(folder.glob(f"*{_SUFFIX}"))))


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}{_SUFFIX}"


def _note(folder: Path, name: str) -> Path:
    return folder / f"{name}{_GONE}"


def _noted(path: Path) -> Destroyed:
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Destroyed)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnusableFile(f"{path} does not tell of a destroyed key, or was altered") from error
    times = (found.made_at, found.until, found.destroyed_at)
    if path != _note(path.parent, found.id) or None in [each.tzinfo for each in times]:
        raise UnusableFile(f"{path} does not tell of a destroyed key, or was altered")
    return found


def _read(path: Path) -> BackupKey:
    try:
        found = msgspec.json.decode(read_secret(path), type=BackupKey)
    except FileNotFoundError as error:
        raise UnusableFile(
            f"There is no {path}, without which the backup cannot be opened: at its horizon its "
            "key is destroyed"
        ) from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnusableFile(f"{path} is no key of a backup, or was altered") from error
    if (
        len(found.key) != KEY_BYTES
        or found.until.tzinfo is None
        or path != _path(path.parent, found.id)
    ):
        raise UnusableFile(f"{path} is no key of a backup, or was altered")
    return found


def _destroy(path: Path) -> None:
    """Overwrite a key before its name goes: not every disk forgets what a file held."""
    with suppress(FileNotFoundError):
        with path.open("r+b") as file:
            file.write(base64.b64encode(os.urandom(os.fstat(file.fileno()).st_size)))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
