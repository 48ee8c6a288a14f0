"""The resources of every subcommand: the database, embedded or given, and the master key.

Failures: NotReachable (a resource is away), UnusableDatabase (it was named wrongly), UnusableFile
(of a password), SchemaError, WrongMasterKey.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from enum import IntEnum
from functools import partial
from pathlib import Path

import asyncpg
from asyncpg.connect_utils import SessionAttribute
from msgspec import Struct

from app.database import migrate, rights
from app.database.embedded import is_set_up, running
from app.database.errors import TRANSIENT, SchemaError
from app.database.new_log import NewLog, require_made_so
from app.database.primary import to_newest
from app.database.session import OPENED_WITH, opened
from app.log.errors import WrongMasterKey
from app.log.keyring import Keyring, fits, new_key
from app.log.read import heads, key_settings
from app.maintenance import key_file
from app.maintenance.recovery import again_after_conflict
from app.maintenance.urls import NO_URL, UnusableDatabase, with_password
from app.settings import SERVICE_ROLE, STATEMENT_CACHE, Setting, Settings

CONNECT_S = 10.0
Opens = Callable[[], AbstractAsyncContextManager["Connection"]]


class NotReachable(ConnectionError):
    """A resource is not reachable; the message is the whole sentence."""


class SchemaPermission(IntEnum):
    """The changes that a command may make to a database without a log or with an older schema."""

    LOOK = 0
    """None: looking in the wrong place should give an error, not an empty log."""
    BEGIN = 1
    """Make a log in an empty database."""
    MIGRATE = 2
    """Make a log, or bring an older one up to date."""


class DataLocation(Struct, frozen=True, kw_only=True):
    """The location of the data, from the options."""

    database_url: str | None
    """Of the service's login; None: the embedded database, or only the owner's login is given."""
    data_dir: Path
    database_password: str | None = None
    """For a URL without one."""
    database_password_file: Path | None = None
    owner_url: str | None = None
    """Of the owner's login, by which commands work; None: `database_url` is that."""
    owner_password_file: Path | None = None
    master_key_file: Path | None = None
    allow_unsafe_database: bool = False
    allow_owner_login: bool = False
    database_role: str | None = SERVICE_ROLE
    """The role that the service's connections take; a command's own ones stay the owner's."""
    statement_cache: int = STATEMENT_CACHE
    log: NewLog = NewLog()
    erasures_to: tuple[Path, ...] = ()
    """As those of `Settings`."""
    read_url: str | None = None

    @property
    def embedded(self) -> bool:
        """Whether the database is the one in `data_dir`."""
        return self.database_url is None and self.owner_url is None

    @property
    def whole_read_url(self) -> str | None:
        """Of the standby, with the service's password. Raises UnusableDatabase, or UnusableFile."""
        url, file = self.read_url, self.database_password_file
        return None if url is None else with_password(url, file, self.database_password)

    @property
    def key_file(self) -> Path:
        """The file of the master key."""
        return self.master_key_file or self.data_dir / "master.key"

    def settings(self, url: str, key: bytes, **more: Setting) -> Settings:
        """The settings of a service on the database at `url`; `more` are further ones."""
        return Settings(
            database_url=url,
            master_key=key,
            database_role=self.database_role,
            statement_cache=self.statement_cache,
            embedded_data_dir=self.data_dir if self.embedded else None,
            erasures_to=self.erasures_to,
            read_url=self.whole_read_url,
            **more,
        )

    def __repr__(self) -> str:
        """Without secrets, for logs."""
        return f"DataLocation(data_dir={str(self.data_dir)!r})"


class Connection:
    """A command's own connection, as the database's owner."""

    def __init__(self, connection: asyncpg.Connection, another: "Opens | None" = None) -> None:
        """Use `connected` instead of this. `another` opens one more, like this one."""
        self.raw = connection
        self._another = another

    def another(self) -> "AbstractAsyncContextManager[Connection]":
        """One more, if `connected` made this one."""
        assert self._another is not None
        return self._another()

    async def ask(self, sql: str, *arguments: object) -> Sequence[asyncpg.Record]:
        """The rows of one statement. Raises RecoveryConflict, or the database's own error."""
        if self.raw.is_in_transaction():
            return await self.raw.fetch(sql, *arguments)
        return await again_after_conflict(self.raw, lambda: self.raw.fetch(sql, *arguments))

    async def ask_once(self, sql: str, *arguments: object) -> Sequence[asyncpg.Record]:
        """The rows of one statement that writes. Raises the database's own error."""
        return await self.raw.fetch(sql, *arguments)


@contextmanager
def database(where: DataLocation, may: SchemaPermission) -> Iterator[str]:
    """The owner's URL for as long as the block lasts; starts the embedded one if none is given.

    A data directory without a database gets one only if `may` allows to begin. Raises
    EmbeddedUnavailable, UnusableDatabase, or UnusableFile.
    """
    if where.owner_url is not None:
        yield with_password(where.owner_url, where.owner_password_file, where.database_password)
        return
    if where.database_url is not None:
        file = where.database_password_file
        yield with_password(where.database_url, file, where.database_password)
        return
    if may < SchemaPermission.BEGIN and not is_set_up(where.data_dir):
        raise UnusableDatabase(
            f"There is no log in {where.data_dir}: `sessionary serve` makes one there"
        )
    with running(where.data_dir) as url:
        yield url


@asynccontextmanager
async def connected(
    url: str,
    statement_cache: int = STATEMENT_CACHE,
    *,
    looks: bool = False,
    role: str | None = None,
) -> AsyncIterator[Connection]:
    """A connection that no time-out of the role or the database ends.

    `looks`: it only reads, so a standby is enough if there is no primary; `role`: the role to take
    on, else the connection stays the owner's. Raises NotReachable, or UnusableDatabase.
    """
    # Without a statement cache this is pgbouncer, which refuses settings that it does not know.
    session = (OPENED_WITH if statement_cache else {}) | ({"role": role} if role else {})
    connection = await _connect(url, statement_cache, session, looks=looks)
    another = partial(connected, url, statement_cache, looks=looks, role=role)
    try:
        yield Connection(connection, another)
    finally:
        await connection.close()


async def _connect(
    url: str, statement_cache: int, session: Mapping[str, str], *, looks: bool
) -> asyncpg.Connection:
    attributes = [SessionAttribute.read_write, SessionAttribute.any][: 1 + looks]
    try:
        for attribute in attributes:
            with suppress(asyncpg.TargetServerAttributeNotMatched):
                opens = partial(
                    opened, session={"application_name": "sessionary command", **session},
                    attribute=attribute, statement_cache=statement_cache, limit_s=CONNECT_S,
                )  # fmt: skip
                return await to_newest(url, opens)
    except TRANSIENT as error:
        why = str(error) or type(error).__name__
        raise NotReachable(f"The database is not reachable: {why}") from error
    except asyncpg.InterfaceError as error:
        raise UnusableDatabase(f"The database cannot be connected to: {error}") from error
    except (ValueError, OverflowError):
        raise UnusableDatabase(NO_URL) from None  # theirs may hold a part of a password
    raise NotReachable(
        "The database takes no writes: it is a standby, or default_transaction_read_only is on"
    )


async def prepare(
    url: str, where: DataLocation, may: SchemaPermission, *, looks: bool = False
) -> tuple[list[str], bytes]:
    """Make sure that the schema is this release's; returns the applied names and the master key.

    Not every command may migrate, since older services may be running on the database. None
    migrates a database with tables of others. `looks` as for `connected`. Raises SchemaError,
    WrongMasterKey, NotReachable, or UnusableDatabase.
    """
    async with connected(url, where.statement_cache, looks=looks) as store:
        await migrate.refuse_unfit(store.raw)
        if not where.allow_unsafe_database:
            await migrate.refuse_unsafe(store.raw)
        applied = await up_to_date(store, may, where.log)
        return applied, await master_key(store, where)


async def up_to_date(
    store: Connection, may: SchemaPermission, log: NewLog | None = None
) -> list[str]:
    """Update the schema as far as `may` allows; the applied names. Raises SchemaError."""
    wanted = migrate.available()
    history = await _history(store, may)
    known = [(migration.number, migration.hash) for migration in wanted]
    present = [(row["number"], row["hash"]) for row in history]
    if present[: len(known)] == known and migrate.are_fine(history[len(known) :]):
        await require_made_so(store.raw, log or NewLog())
        scripts = migrate.functions(await migrate.form_of(store.raw))
        outdated = await migrate.outdated(store.raw, scripts)
        if may < SchemaPermission.MIGRATE and outdated:
            raise SchemaError(
                f"The database has not this release's {', '.join(map(str, outdated))}: "
                "run `sessionary migrate`"
            )
        if may < SchemaPermission.MIGRATE or not (outdated or await rights.amiss(store.raw)):
            return []  # the right to read is enough for this
    if present and present == known[: len(present)] and may < SchemaPermission.MIGRATE:
        raise SchemaError(
            f"The database is at migration {present[-1][0]}, this release needs {known[-1][0]}: "
            "run `sessionary migrate`"
        )
    return await migrate.migrate(store.raw, wanted, log=log)


async def _history(store: Connection, may: SchemaPermission) -> Sequence[asyncpg.Record]:
    """The migrations applied to the database. Raises SchemaError if no log can be begun there."""
    (found,) = await store.ask(migrate.SQL["state"])
    if not found["has_history"]:
        _require_empty(may, has_tables=found["has_tables"])
        if not found["may_make"]:
            raise SchemaError(
                f"{found['login']} may not make tables in the schema public: run, as the "
                f'database\'s owner, GRANT CREATE ON SCHEMA public TO "{found["login"]}"'
            )
        return []
    if not found["may_read"]:
        raise SchemaError(
            f"{found['login']} may not read the tables, which belong to {found['owner']}: connect "
            f"as {found['owner']}, or make {found['login']} their owner"
        )
    return await store.ask(migrate.SQL["applied"])


def _require_empty(may: SchemaPermission, *, has_tables: bool) -> None:
    if has_tables:
        told = "name an empty database, or one that holds a log"
        raise SchemaError(f"The database has tables, but none of Sessionary: {told}")
    if may < SchemaPermission.BEGIN:
        raise SchemaError("The database holds no log: `sessionary migrate` makes one there")


async def master_key(store: Connection, where: DataLocation) -> bytes:
    """The log's master key, or either one during its change; a new log gets a new one.

    Raises WrongMasterKey when the key file is missing, holds another, or cannot be used.
    """
    # The order matters: the writer of the first event had stored the check value before.
    begun = any(head.position for head in await heads(store))
    kept = await key_settings(store)
    if begun and kept.check is None:
        raise WrongMasterKey(
            "The log has events, but not the value that its master key is recognised by "
            "(master_key_check): run an unfinished import again, or put it back from a copy"
        )
    path = where.key_file
    try:
        if not path.exists():
            if kept.check is not None:
                told = f"a master key that {path} should hold, and that file is not there"
                raise WrongMasterKey(f"The log's personal data is sealed under {told}")
            key_file.keep(path, new_key())
        key = key_file.read(path)
    except OSError as error:
        raise WrongMasterKey(f"The master key's file cannot be used: {error}") from error
    if kept.check is None:
        made = Keyring(key, new_key())
        await migrate.keep_keys(store.raw, made.check_value(), made.sealed_root())
        kept = await key_settings(store)
    if not fits(key, kept):
        raise WrongMasterKey(f"{path} holds another master key than the log was written with")
    return key
