"""The command line: thin, honest exit codes. 0 done, 1 difference, 2 wrong use, 3 unreachable."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import click
import platformdirs

from app.log.errors import StoreDown, WrongMasterKey
from app.ops import serve as serving
from app.ops import users as people
from app.ops.store import Connection, Where, connected, database, prepare
from app.schema import SchemaError
from app.settings import Settings

T = TypeVar("T")
Decorated = TypeVar("Decorated", bound=Callable[..., Any])
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
    except (SchemaError, WrongMasterKey, people.UserError) as error:
        raise click.UsageError(str(error)) from error
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


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="sessionary")
def main() -> None:
    """Sessionary keeps sessions as what happened to them."""


@main.command()
@option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@option("--port", default=8000, show_default=True, help="Port to listen on.")
@option("--workers", default=1, show_default=True, type=click.IntRange(1), help="Processes.")
@option("--admin-user", default="admin", show_default=True, help="Name of the first administrator.")
@option(
    "--admin-password-file",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="File with the first administrator's password.",
)
@option("--database-role", default="sessionary_service", show_default=True, help="Role to take on.")
@option("--statement-cache", default=100, show_default=True, help="0 behind pgbouncer.")
@on_data
def serve(
    where: Where,
    host: str,
    port: int,
    workers: int,
    admin_user: str,
    admin_password_file: Path | None,
    database_role: str,
    statement_cache: int,
) -> None:
    """Migrate, then serve HTTP."""
    import os

    password = os.environ.get("SESSIONARY_ADMIN_PASSWORD")
    if admin_password_file is not None:
        password = admin_password_file.read_text().strip()

    def settings(url: str, key: bytes) -> Settings:
        return Settings(
            database_url=url,
            master_key=key,
            database_role=database_role or None,
            statement_cache=statement_cache,
        )

    serving.serve(
        where,
        serving.Listen(host=host, port=port, workers=workers),
        serving.Administrator(admin_user, password),
        settings,
        lambda text: click.echo(text, err=True),
    )


if __name__ == "__main__":
    main()
