"""Brings a database up to date, and refuses one that would lose what it acknowledged."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import asyncpg
from msgspec import Struct

import migrations
from app.sql import blocks

SQL = blocks(__file__)
FOLDER = Path(migrations.__file__).parent
OLDEST_SERVER = 15


class SchemaError(Exception):
    """The database is not one to work on; the message says why and what to do."""


class UnsafeDatabase(SchemaError):
    """A setting of the database lets it lose what it has acknowledged."""


class Migration(Struct, frozen=True):
    """One numbered file of SQL."""

    number: int
    name: str
    sql: str
    hash: str


def available() -> list[Migration]:
    """All migrations, in their order."""
    found = []
    for path in sorted(FOLDER.glob("*.sql")):
        number, _, name = path.stem.partition("_")
        sql = path.read_text()
        found.append(Migration(int(number), name, sql, hashlib.sha256(sql.encode()).hexdigest()))
    return found


async def migrate(connection: asyncpg.Connection, wanted: Sequence[Migration]) -> list[str]:
    """Apply what is missing, all or nothing; the names of what was applied.

    Raises SchemaError when the database has another history than `wanted`.
    """
    version = connection.get_server_version().major
    if version < OLDEST_SERVER:
        raise SchemaError(f"PostgreSQL {version} is too old: {OLDEST_SERVER} is the oldest")
    async with connection.transaction():
        await connection.execute(SQL["lock"])
        await connection.execute(SQL["history"])
        applied = await connection.fetch(SQL["applied"])
        _check_history(applied, wanted)
        missing = wanted[len(applied) :]
        for migration in missing:
            await connection.execute(migration.sql)
            await connection.execute(
                SQL["record"], migration.number, migration.name, migration.hash
            )
    return [f"{migration.number:04} {migration.name}" for migration in missing]


async def refuse_unsafe(connection: asyncpg.Connection) -> None:
    """Raise UnsafeDatabase if a crash could take what was acknowledged."""
    off = [row["name"] for row in await connection.fetch(SQL["unsafe"])]
    if off:
        raise UnsafeDatabase(
            f"The database runs with {' and '.join(off)} off: a crash could lose what was "
            "acknowledged. Switch it on, or start with --allow-unsafe-database."
        )


async def keep_check_value(connection: asyncpg.Connection, check_value: str) -> None:
    """Remember which master key the log is written with, if it is new."""
    await connection.execute(SQL["check_value"], check_value)


def _check_history(applied: Sequence[asyncpg.Record], wanted: Sequence[Migration]) -> None:
    if len(applied) > len(wanted):
        newest = applied[-1]
        raise SchemaError(
            f"The database is at migration {newest['number']:04} {newest['name']}, which this "
            "release does not know: it was made by a newer one"
        )
    for row, migration in zip(applied, wanted, strict=False):
        if (row["number"], row["hash"]) != (migration.number, migration.hash):
            raise SchemaError(
                f"Migration {row['number']:04} {row['name']} was applied in another form than "
                "this release has: it was edited after its release"
            )
