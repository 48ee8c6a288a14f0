"""Brings a database up to date, and refuses one that could lose acknowledged writes."""

import hashlib
import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import asyncpg
from msgspec import Struct

import migrations
from app.database import distribution, new_log, rights, versions
from app.database.errors import SchemaError
from app.database.new_log import NewLog
from app.database.scripts import filled_in
from app.database.sql import blocks, statements
from projections import catalog

SQL = blocks(__file__)
FOLDER = Path(migrations.__file__).parent
OLDEST_SERVER = 15


class UnsafeDatabase(SchemaError):
    """A setting of the database lets it lose acknowledged writes."""


class Migration(Struct, frozen=True):
    """One numbered file of SQL, run once."""

    number: int
    name: str
    sql: str
    hash: str

    def __str__(self) -> str:
        """The name shown to people."""
        return f"{self.number:04} {self.name}"


class Script(Struct, frozen=True):
    """A file of functions, run again whenever its text differs from the one that ran last."""

    name: str
    sql: str
    hash: str

    def __str__(self) -> str:
        """The name shown to people."""
        return self.name


def available() -> list[Migration]:
    """All migrations, in order. (A file without a number does not count: `app.database.rights`.)"""
    found = []
    for path in sorted(FOLDER.glob("[0-9]*.sql")):
        number, _, name = path.stem.partition("_")
        sql = path.read_text()
        found.append(Migration(int(number), name, sql, _hash(sql)))
    return found


def functions(form: str = "plain") -> list[Script]:
    """All scripts of functions, in the order of their names; they run in this order.

    `form`: the result of `form_of` the database; both forms do the same.
    """
    paths = sorted(FOLDER.glob("functions/*.sql"))
    texts = filled_in((path.read_text() for path in paths), form)
    return [
        Script(f"functions/{path.stem}", sql, _hash(sql))
        for path, sql in zip(paths, texts, strict=True)
    ]


def _hash(sql: str) -> str:
    return hashlib.sha256(sql.encode()).hexdigest()


async def form_of(connection: asyncpg.Connection) -> str:
    """The form of the functions for the database: `plain`, or `distributed` over its nodes."""
    form: str = await connection.fetchval(SQL["form"])
    return form


async def outdated(connection: asyncpg.Connection, scripts: Sequence[Script]) -> list[Script]:
    """The scripts whose present text the database does not have.

    A newer release's text stays in place. Otherwise a worker of an older release that starts
    beside it would revert it. (Functions of one name do the same for both releases.)
    """
    found = {row["name"]: row for row in await connection.fetch(SQL["scripts"])}
    own = _in_order(version("sessionary"))
    return [
        script
        for script in scripts
        if (ran := found.get(script.name)) is None
        or (ran["hash"] != script.hash and _in_order(ran["release"]) <= own)
    ]


def _in_order(release: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", release)]


async def migrate(
    connection: asyncpg.Connection,
    wanted: Sequence[Migration],
    scripts: Sequence[Script] | None = None,
    *,
    log: NewLog | None = None,
) -> list[str]:
    """Apply missing migrations and correct the rights, all or nothing; the changes in words.

    `scripts`: of functions; None for this release's. `log`: what the log must be like; None: a log
    stays as it is. Raises SchemaError if it or its history is not so, if contents of the database
    block a migration, or if the login lacks the rights.
    """
    await refuse_unfit(connection)
    if log is not None and log.distributed and await connection.fetchval(SQL["is_new"]):
        await distribution.cut(connection, log.partitions or 1)
    try:
        async with connection.transaction():
            await connection.execute(SQL["lock"])
            await connection.execute(SQL["leave_bodies"])
            done = await _bring_up_to_date(connection, wanted, scripts, log or NewLog())
            if left := await rights.amiss(connection):
                raise SchemaError(_not_allowed(left))
            return done
    except asyncpg.InsufficientPrivilegeError as error:
        found = await rights.amiss(connection)
        raise SchemaError(_not_allowed([str(error), *found])) from error


async def _bring_up_to_date(
    connection: asyncpg.Connection,
    wanted: Sequence[Migration],
    scripts: Sequence[Script] | None,
    log: NewLog,
) -> list[str]:
    await connection.execute(SQL["history"])
    applied = await connection.fetch(SQL["applied"])
    _check_history(applied, wanted)
    missing = wanted[len(applied) :]
    if applied and await distribution.is_distributed(connection.fetch):
        await distribution.begin(connection)
    for migration in missing:
        await _apply(connection, migration, SQL["record"], migration.number)
    is_distributed = await new_log.make(connection, log, is_new=not applied)
    if scripts is None:
        scripts = functions(await form_of(connection))
    changed = await outdated(connection, scripts)
    for script in changed:
        await _apply(connection, script, SQL["record_script"])
    await _begin_with_latest(connection)
    mended = await rights.put_right(connection)
    if is_distributed:
        await distribution.delegate(connection)
    names = [*map(str, missing), *map(str, changed)]
    return names or [f"rights: {what} no more" for what in mended]


async def _begin_with_latest(connection: asyncpg.Connection) -> None:
    """Let an empty log begin with this release's versions of the views: nothing is to be built."""
    later = any(view.version > 1 for view in catalog.VIEWS)
    if later and await connection.fetchval(SQL["is_empty"]):
        for view in await versions.awaited(connection.fetch):
            await versions.go_live(connection, view)
            await versions.drop_others(connection, view)


async def _apply(
    connection: asyncpg.Connection, file: Migration | Script, record: str, *numbers: int
) -> None:
    try:
        for statement in statements(file.sql):
            await connection.execute(statement)
    except (
        asyncpg.UniqueViolationError,  # rows that exist twice
        asyncpg.InvalidFunctionDefinitionError,  # a function of the name, but not one of ours
        asyncpg.FeatureNotSupportedError,  # a user's view or policy on a column
        asyncpg.DependentObjectsStillExistError,
    ) as error:
        words = " ".join(str(error).split())
        raise SchemaError(
            f"Migration {file} cannot be applied, and nothing was changed: {words}"
        ) from error
    await connection.execute(record, *numbers, file.name, file.hash, version("sessionary"))


def _not_allowed(left: Sequence[str]) -> str:
    return (
        f"This login may not put the database right ({'; '.join(left)}): run `sessionary migrate` "
        "as the owner of its tables, who may also create roles if one is missing"
    )


async def refuse_unfit(connection: asyncpg.Connection) -> None:
    """Raise SchemaError if Sessionary does not work on the server or the database."""
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
    """Raise UnsafeDatabase if a crash could lose acknowledged writes."""
    off = [row["name"] for row in await connection.fetch(SQL["unsafe"])]
    if off:
        raise UnsafeDatabase(
            f"The database runs with {' and '.join(off)} off: a crash could lose what was "
            "acknowledged. Switch it on, or start with --allow-unsafe-database."
        )


async def keep_keys(connection: asyncpg.Connection, check_value: str, root_key: str) -> None:
    """Store the master key's check value and the sealed root key in a new log."""
    await connection.execute(SQL["keep_keys"], check_value, root_key)


def _check_history(applied: Sequence[asyncpg.Record], wanted: Sequence[Migration]) -> None:
    for row, migration in zip(applied, wanted, strict=False):
        if (row["number"], row["hash"]) != (migration.number, migration.hash):
            raise SchemaError(
                f"Migration {row['number']:04} {row['name']} was applied in another form than "
                "this release has: it was edited after its release, or the log was made by a "
                "state of Sessionary that was never released"
            )
    unknown = applied[len(wanted) :]
    if not are_fine(unknown):
        newest = applied[-1]
        raise SchemaError(
            f"The database is at migration {newest['number']:04} {newest['name']}, which this "
            "release does not know: it was made by a newer one"
        )


def are_fine(unknown: Sequence[asyncpg.Record]) -> bool:
    """Whether migrations that this release lacks are those of the next: it may run beside that."""
    own, releases = _in_order(version("sessionary")), {row["release"] for row in unknown}
    return len(releases) <= 1 and all(_in_order(each) > own for each in releases)
