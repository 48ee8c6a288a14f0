"""The memory of a witness: its keys, and the last checkpoint of each log that it cosigned.

Both are in one file. A witness that has lost its memory would cosign anything again, so it has lost
its keys as well.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from threading import Lock

from msgspec import Struct

from app.database.sql import blocks
from app.maintenance.secret_file import UnusableFile, require_unshared

SQL = blocks(__file__)
FILE = "witness.sqlite3"
_BUSY_S = 5.0
"""Seconds to wait for another process that works on the same file."""


class Seen(Struct, frozen=True):
    """A checkpoint that was cosigned."""

    size: int
    root: bytes
    note: str
    """The whole note: the log's signatures that were verified, and the witness's own."""


class StoredKey(Struct, frozen=True):
    """A key of the witness; `kind`: C2SP's byte for its type of signature."""

    kind: int
    name: str
    private_key: bytes


class Turn:
    """One reading and writing of the memory that nobody else comes between."""

    def __init__(self, database: sqlite3.Connection) -> None:
        """Made by `WitnessState.turn`."""
        self._database = database

    def last(self, origin: str) -> Seen | None:
        """The last checkpoint of a log; None if none was ever cosigned."""
        row = self._database.execute(SQL["last"], (origin,)).fetchone()
        return None if row is None else Seen(*row)

    def move(self, origin: str, seen: Seen) -> None:
        """Take a checkpoint as the last one."""
        known = (origin, _hash(origin), seen.size, seen.root, seen.note)
        self._database.execute(SQL["move"], known)

    def stored_keys(self) -> list[StoredKey]:
        """All keys."""
        return [StoredKey(*row) for row in self._database.execute(SQL["keys"])]

    def keep_key(self, key: StoredKey) -> None:
        """Keep a further key."""
        self._database.execute(SQL["keep_key"], (key.kind, key.name, key.private_key))


class WitnessState:
    """The open file; its methods block, and any thread may call them."""

    def __init__(self, folder: Path) -> None:
        """Opens it, or makes an empty one for this account alone. Raises UnusableFile."""
        file = folder / FILE
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _make_private(file)
            require_unshared(file)
            self._database = _opened(file)
        except (OSError, sqlite3.Error) as error:
            raise UnusableFile(f"The witness cannot keep its state in {file}: {error}") from error
        self._lock = Lock()

    def close(self) -> None:
        """Close the file, after the turn that is under way."""
        with self._lock:
            self._database.close()

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """A turn, on disk when this is left; nothing of it if it raises. Raises sqlite3.Error."""
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield Turn(self._database)
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    def note(self, origin_hash: str) -> str | None:
        """The last cosigned note of the log with the hash; None without any."""
        with self._lock:
            row = self._database.execute(SQL["by_hash"], (origin_hash,)).fetchone()
        return None if row is None else str(row[0])


def _hash(origin: str) -> str:
    return sha256(origin.encode()).hexdigest()


def _make_private(file: Path) -> None:
    """Make the file before SQLite does, which would ask the umask who may read it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    os.close(os.open(file, flags, 0o600))


def _opened(file: Path) -> sqlite3.Connection:
    database = sqlite3.connect(file, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        # EXTRA also syncs the folder: the file of the journal must not be there again after a power
        # failure, as it would take the last change back.
        for pragma in ("journal_mode = DELETE", "synchronous = EXTRA", "trusted_schema = OFF"):
            database.execute(f"PRAGMA {pragma}").fetchall()
        database.execute("BEGIN IMMEDIATE")
        if database.execute("PRAGMA user_version").fetchone()[0] == 0:
            database.execute(SQL["cosigners"])
            database.execute(SQL["seen"])
            database.execute("PRAGMA user_version = 1")
        database.execute("COMMIT")
    except BaseException:
        database.close()
        raise
    return database
