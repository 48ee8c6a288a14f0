"""Brings a database up to date, and refuses one that would lose what it acknowledged."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import asyncpg
from msgspec import Struct

import migrations
from app.database import rights
from app.database.sql import blocks

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
    """All migrations, in their order. (What has no number is none: `app.database.rights`.)"""
    found = []
    for path in sorted(FOLDER.glob("[0-9]*.sql")):
        number, _, name = path.stem.partition("_")
        sql = path.read_text()
        found.append(Migration(int(number), name, sql, hashlib.sha256(sql.encode()).hexdigest()))
    return found


async def migrate(connection: asyncpg.Connection, wanted: Sequence[Migration]) -> list[str]:
    """Apply what is missing and put the rights right, all or nothing; what was done, in words.

    Raises SchemaError when the database has another history than `wanted`, holds what a migration
    cannot go on with, or when the login may not do what is to be done.
    """
    await refuse_unfit(connection)
    try:
        async with connection.transaction():
            await connection.execute(SQL["lock"])
            await connection.execute(SQL["history"])
            applied = await connection.fetch(SQL["applied"])
            _check_history(applied, wanted)
            missing = wanted[len(applied) :]
            for migration in missing:
                await _apply(connection, migration)
            mended = await rights.put_right(connection)
            if left := await rights.amiss(connection):
                raise SchemaError(_not_allowed(left))
    except asyncpg.InsufficientPrivilegeError as error:
        found = await rights.amiss(connection)
        raise SchemaError(_not_allowed([str(error), *found])) from error
    names = [f"{migration.number:04} {migration.name}" for migration in missing]
    return names or [f"rights: {what} no more" for what in mended]


async def _apply(connection: asyncpg.Connection, migration: Migration) -> None:
    try:
        await connection.execute(migration.sql)
    except (
        asyncpg.UniqueViolationError,  # what is there twice
        asyncpg.FeatureNotSupportedError,  # a user's view or policy on a column
        asyncpg.DependentObjectsStillExistError,
    ) as error:
        words = " ".join(str(error).split())
        raise SchemaError(
            f"Migration {migration.number:04} {migration.name} cannot be applied, and nothing was "
            f"changed: {words}"
        ) from error
    await connection.execute(SQL["record"], migration.number, migration.name, migration.hash)


def _not_allowed(left: Sequence[str]) -> str:
    return (
        f"This login may not put the database right ({'; '.join(left)}): run `sessionary migrate` "
        "as the owner of its tables, who may also create roles if one is missing"
    )


async def refuse_unfit(connection: asyncpg.Connection) -> None:
    """Raise SchemaError if the server or the database is none that Sessionary works on."""
    version = connection.get_server_version().major
    if version < OLDEST_SERVER:
        raise SchemaError(f"PostgreSQL {version} is too old: {OLDEST_SERVER} is the oldest")
    (found,) = await connection.fetch(SQL["fitness"])
    if found["encoding"] != "UTF8":
        raise SchemaError(
            f"The database's encoding is {found['encoding']}, which cannot hold every text: make "
            "it with ENCODING 'UTF8' TEMPLATE template0"
        )
    if not found["has_public"]:
        raise SchemaError("The database has no schema public, where Sessionary's tables are")
    if found["schema"] != "public":
        raise SchemaError(
            f"The first schema of this login's search_path ({found['search_path']}) is "
            f"{found['schema'] or 'none that is there'}, but Sessionary's tables are in public: "
            "set it to public for the login"
        )
    if found["replication_role"] != "origin":
        raise SchemaError(
            f"session_replication_role is {found['replication_role']} for this login: the "
            "triggers that protect the log would not fire"
        )


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
