"""What all subcommands share: options that say where the data is, and work done on it."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import click
import platformdirs

from app.log.errors import StoreDown, Unreadable, WrongMasterKey
from app.log.keyring import Keyring
from app.ops import users as people
from app.ops.store import Connection, Where, connected, database, master_key, prepare
from app.ops.streams import BrokenStream
from app.schema import SchemaError
from app.service import Service, open_service
from app.settings import Settings
from domain.errors import DomainError

T = TypeVar("T")
Decorated = TypeVar("Decorated", bound=Callable[..., Any])
DIFFERENCE = 1
UNREACHABLE = 3


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
        **others: Any,  # noqa: ANN401
    ) -> None:
        where = Where(
            database_url=database_url,
            data_dir=data_dir,
            database_password_file=database_password_file,
            master_key_file=master_key_file,
            allow_unsafe_database=allow_unsafe_database,
        )
        reachable(lambda: command(where=where, **others))

    file = click.Path(dir_okay=False, path_type=Path)
    for decorate in reversed(_data_options(file)):
        decorate(with_where)
    return with_where


def _data_options(file: click.Path) -> list[Callable[[Any], Any]]:
    return [
        option("--database-url", help="A PostgreSQL to use instead of the embedded one."),
        option(
            "--data-dir",
            type=click.Path(file_okay=False, path_type=Path),
            default=platformdirs.user_data_path("sessionary", appauthor=False),
            help="Folder of the embedded PostgreSQL and of the master key.",
        ),
        option("--database-password-file", type=file, help="File with the database's password."),
        option("--master-key-file", type=file, help="File with the key over all personal data."),
        option("--allow-unsafe-database", is_flag=True, help="Serve although fsync is off."),
    ]


def reachable(run: Callable[[], None]) -> None:
    """Run, and turn what was not reachable or not right into a sentence and an exit code."""
    try:
        run()
    except (SchemaError, WrongMasterKey, people.UserError, DomainError) as error:
        raise click.UsageError(str(error)) from error
    except (Unreadable, BrokenStream) as error:
        click.echo(f"The log cannot be read: {error}", err=True)
        sys.exit(DIFFERENCE)
    except (OSError, TimeoutError, StoreDown, asyncpg.PostgresError) as error:
        click.echo(f"The database is not reachable: {error or type(error).__name__}", err=True)
        sys.exit(UNREACHABLE)


def on_store(where: Where, work: Callable[[Connection], Coroutine[Any, Any, T]]) -> T:
    """The result of some work on the up-to-date database."""

    async def run(url: str) -> T:
        await prepare(url, where)
        async with connected(url) as store:
            return await work(store)

    with database(where) as url:
        return asyncio.run(run(url))


def on_log(where: Where, work: Callable[[Connection, Keyring], Coroutine[Any, Any, T]]) -> T:
    """The result of some work that opens personal fields."""

    async def run(store: Connection) -> T:
        return await work(store, Keyring(await master_key(store, where)))

    return on_store(where, run)


def on_service(where: Where, work: Callable[[Service], Coroutine[Any, Any, T]]) -> T:
    """The result of some work that gives commands."""

    async def run(url: str) -> T:
        _, key = await prepare(url, where)
        service = await open_service(Settings(database_url=url, master_key=key))
        try:
            return await work(service)
        finally:
            await service.close()

    with database(where) as url:
        return asyncio.run(run(url))
