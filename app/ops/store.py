"""What every subcommand works on: the database, embedded or given, and the master key."""

import base64
import binascii
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
from msgspec import Struct

from app import schema
from app.log.errors import WrongMasterKey
from app.log.keyring import KEY_BYTES, Keyring
from app.log.pool import PROBES

CONNECT_S = 10.0


class Where(Struct, frozen=True, kw_only=True):
    """Where the data is, as the options say."""

    database_url: str | None
    data_dir: Path
    database_password_file: Path | None = None
    master_key_file: Path | None = None
    allow_unsafe_database: bool = False


class Connection:
    """A command's own connection, as the database's owner."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        """Use `connected`."""
        self.raw = connection

    async def ask(self, sql: str, *arguments: object) -> Sequence[asyncpg.Record]:
        """Rows of one statement."""
        return await self.raw.fetch(sql, *arguments)


@contextmanager
def database(where: Where) -> Iterator[str]:
    """The database's URL for as long as the block lasts; starts the embedded one if none is given.

    Raises EmbeddedUnavailable.
    """
    if where.database_url is not None:
        yield _with_password(where.database_url, where.database_password_file)
        return
    # Not needed, and in the container image not there, where a database is given.
    from app.embedded import running

    with running(where.data_dir) as url:
        yield url


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connection]:
    """A connection as the owner. Raises OSError, TimeoutError or asyncpg's errors."""
    connection = await asyncpg.connect(
        url,
        timeout=CONNECT_S,
        server_settings={"application_name": "sessionary command"} | PROBES,
    )
    try:
        yield Connection(connection)
    finally:
        await connection.close()


async def prepare(url: str, where: Where) -> tuple[list[str], bytes]:
    """Bring the schema up to date; the migrations applied, and the log's master key.

    Raises SchemaError, or WrongMasterKey.
    """
    async with connected(url) as store:
        if not where.allow_unsafe_database:
            await schema.refuse_unsafe(store.raw)
        applied = await schema.migrate(store.raw, schema.available())
        return applied, await master_key(store, where)


async def master_key(store: Connection, where: Where) -> bytes:
    """The master key that the log is written with; a new log gets a new one.

    Raises WrongMasterKey when the key file is missing or holds another.
    """
    rows = await store.ask("SELECT value FROM log_setting WHERE name = 'master_key_check'")
    path = where.master_key_file or where.data_dir / "master.key"
    if not path.exists():
        if rows:
            raise WrongMasterKey(
                f"The log's personal data is sealed under a master key that {path} should hold, "
                "and that file is not there"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_key(path, os.urandom(KEY_BYTES))
    key = _read_key(path)
    keyring = Keyring(key)
    if not rows:
        await schema.keep_check_value(store.raw, keyring.check_value())
        rows = await store.ask("SELECT value FROM log_setting WHERE name = 'master_key_check'")
    if not keyring.made(rows[0]["value"]):
        raise WrongMasterKey(f"{path} holds another master key than the log was written with")
    return key


def _write_key(path: Path, key: bytes) -> None:
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(base64.b64encode(key).decode() + "\n")


def _read_key(path: Path) -> bytes:
    try:
        key = base64.b64decode(path.read_text().strip(), validate=True)
    except (binascii.Error, UnicodeDecodeError) as error:
        raise WrongMasterKey(f"{path} holds no base64: {error}") from error
    if len(key) != KEY_BYTES:
        raise WrongMasterKey(f"{path} holds {len(key)} bytes, a master key has {KEY_BYTES}")
    return key


def _with_password(url: str, password_file: Path | None) -> str:
    if password_file is None:
        return url
    password = quote(password_file.read_text().strip(), safe="")
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    name = user.partition(":")[0]
    return urlunsplit(parts._replace(netloc=f"{name}:{password}@{host}"))
