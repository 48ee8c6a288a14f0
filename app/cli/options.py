"""What all subcommands share: options that say where the data is, and work done on it."""

import asyncio
import os
import sys
import traceback
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import asyncpg
import click

from app.cli.param_types import Folder
from app.cli.serve import ServerEnded
from app.cli.signals import ending_in_order
from app.cli.standard_streams import Unwritable, leave_standard_output
from app.database.embedded import EmbeddedUnavailable, default_data_dir
from app.database.errors import StoreDown
from app.database.migrate import SchemaError
from app.database.pool import TRANSIENT
from app.history.streams import BrokenStream
from app.log.errors import Unreadable, WrongMasterKey
from app.log.keyring import Keyring
from app.maintenance import users as people
from app.maintenance.recovery import RecoveryConflict
from app.maintenance.store import (
    Connection,
    DataLocation,
    NotReachable,
    SchemaPermission,
    UnusableDatabase,
    UnusableFile,
    connected,
    database,
    master_key,
    prepare,
)
from app.rebuild.dependants import ViewDependedOn
from app.rebuild.rebuild import RebuildSpoilt, RebuildUnderWay, ViewInUse
from app.service import Service, open_service
from app.settings import SERVICE_ROLE, STATEMENT_CACHE
from domain.errors import DomainError

T = TypeVar("T")
Decorated = TypeVar("Decorated", bound=Callable[..., Any])
DIFFERENCE = 1
UNREACHABLE = 3
FAULT = 70
"""Of the program: sysexits.h calls it EX_SOFTWARE. Python's own 1 would say `difference`."""
INTERRUPTED = 130
NOBODY_READS = 141
"""What a shell shows for SIGPIPE: `sessionary replay … | head`."""

WRONG_USE = (
    SchemaError,
    WrongMasterKey,
    UnusableDatabase,
    UnusableFile,
    people.UserError,
    RebuildUnderWay,
    ViewInUse,
    ViewDependedOn,
    RebuildSpoilt,
    DomainError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.InvalidParameterValueError,  # a --database-role that does not exist
)
AWAY: tuple[type[BaseException], ...] = (
    EmbeddedUnavailable,
    StoreDown,
    ConnectionError,
    TimeoutError,
    asyncpg.InterfaceError,  # how asyncpg reports a connection that died under us
    *(error for error in TRANSIENT if error is not OSError),  # files fail with it, too
)


def option(name: str, **attributes: Any) -> Callable[[Decorated], Decorated]:  # noqa: ANN401
    """An option with its environment variable: `--database-url` is `SESSIONARY_DATABASE_URL`."""
    variable = "SESSIONARY_" + name.removeprefix("--").replace("-", "_").upper()
    return click.option(name, envvar=variable, show_envvar=True, **attributes)


def on_data(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say where the data is, as one `where`."""

    @wraps(command)
    def with_where(
        database_url: str | None,
        data_dir: Path,
        database_password_file: Path | None,
        master_key_file: Path | None,
        allow_unsafe_database: bool,
        database_role: str,
        statement_cache: int,
        **others: Any,  # noqa: ANN401
    ) -> None:
        where = DataLocation(
            database_url=database_url,
            data_dir=data_dir,
            database_password_file=database_password_file,
            master_key_file=master_key_file,
            allow_unsafe_database=allow_unsafe_database,
            database_role=database_role or None,
            statement_cache=statement_cache,
        )
        reachable(lambda: command(where=where, **others))

    for decorate in reversed(_data_options()):
        decorate(with_where)
    return with_where


def _data_options() -> list[Callable[[Any], Any]]:
    return [
        option("--database-url", help="A PostgreSQL to use instead of the embedded one."),
        option(
            "--data-dir",
            type=Folder(),
            default=default_data_dir(),
            help="Folder of the embedded PostgreSQL and of the master key.",
        ),
        option(
            "--database-password-file",
            type=click.Path(dir_okay=False, exists=True, path_type=Path),
            help="File with the database's password.",
        ),
        option(
            "--master-key-file",
            type=click.Path(dir_okay=False, path_type=Path),
            help="File with the key over all personal data; made for a new log.",
        ),
        option(
            "--allow-unsafe-database",
            is_flag=True,
            help="Work although fsync, full_page_writes or synchronous_commit is off: a crash of "
            "the database may then lose what was acknowledged.",
        ),
        option(
            "--database-role",
            default=_role_by_default,
            show_default=SERVICE_ROLE,
            help="Role that the service takes on; '' for none: it stays what it logs in as.",
        ),
        option(
            "--statement-cache",
            type=click.IntRange(0),
            default=STATEMENT_CACHE,
            show_default=True,
            help="Prepared statements a connection; 0 behind pgbouncer.",
        ),
    ]


def _role_by_default() -> str:
    # click takes an empty variable for one that is not set; here it means no role.
    return os.environ.get("SESSIONARY_DATABASE_ROLE", SERVICE_ROLE)


def reachable(run: Callable[[], None]) -> None:
    """Run, and turn what was not reachable or not right into a sentence and an exit code."""
    try:
        with ending_in_order():
            run()
    except (click.ClickException, click.exceptions.Exit, click.Abort, Unwritable):
        raise
    except WRONG_USE as error:
        raise click.UsageError(str(error)) from error
    except (Unreadable, BrokenStream) as error:
        _end(DIFFERENCE, f"The log cannot be read: {error}")
    except (NotReachable, RecoveryConflict) as error:
        _end(UNREACHABLE, str(error))
    except ServerEnded as error:
        _end(FAULT, str(error))
    except BrokenPipeError:
        leave_standard_output()
        sys.exit(NOBODY_READS)
    except AWAY as error:
        _end(UNREACHABLE, f"The database is not reachable: {str(error) or type(error).__name__}")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception:
        _end(FAULT, traceback.format_exc())


def _end(code: int, sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(code)


def on_store(
    where: DataLocation,
    work: Callable[[Connection], Coroutine[Any, Any, T]],
    may: SchemaPermission = SchemaPermission.LOOK,
    *,
    looks: bool = False,
    as_service: bool = False,
) -> T:
    """The result of some work on the up-to-date database.

    `looks`: it only reads, a standby will do; `as_service`: with the service's rights, not the
    owner's.
    """
    role = where.database_role if as_service else None

    async def run(url: str) -> T:
        await prepare(url, where, may, looks=looks)
        async with connected(url, where.statement_cache, looks=looks, role=role) as store:
            return await work(store)

    with database(where, may) as url:
        return asyncio.run(run(url))


def on_log(
    where: DataLocation,
    work: Callable[[Connection, Keyring], Coroutine[Any, Any, T]],
    *,
    looks: bool = False,
) -> T:
    """The result of some work that opens personal fields; `looks` as for `on_store`."""

    async def run(store: Connection) -> T:
        return await work(store, Keyring(await master_key(store, where)))

    return on_store(where, run, looks=looks)


def on_any_database(where: DataLocation, work: Callable[[Connection], Coroutine[Any, Any, T]]) -> T:
    """The result of some work that reads, whatever is in the database."""

    async def run(url: str) -> T:
        async with connected(url, where.statement_cache, looks=True) as store:
            return await work(store)

    with database(where, SchemaPermission.LOOK) as url:
        return asyncio.run(run(url))


def on_service(
    where: DataLocation,
    work: Callable[[Service], Coroutine[Any, Any, T]],
    may: SchemaPermission = SchemaPermission.LOOK,
) -> T:
    """The result of some work that gives commands."""

    async def run(url: str) -> T:
        _, key = await prepare(url, where, may)
        service = await open_service(where.settings(url, key))
        try:
            return await work(service)
        finally:
            await service.close()

    with database(where, may) as url:
        return asyncio.run(run(url))
