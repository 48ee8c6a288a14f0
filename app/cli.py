"""The command line: thin, honest exit codes. 0 done, 1 difference, 2 wrong use, 3 unreachable."""

import asyncio
import os
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
from app.ops import accounts as ledger
from app.ops import rebuild as rebuilding
from app.ops import replay as replaying
from app.ops import serve as serving
from app.ops import users as people
from app.ops import verify as verifying
from app.ops.show import print_steps, print_table, progress
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
    password = os.environ.get("SESSIONARY_ADMIN_PASSWORD")
    if admin_password_file is not None:
        password = admin_password_file.read_text().strip()

    def settings(url: str, key: bytes, metrics_folder: str | None) -> Settings:
        return Settings(
            database_url=url,
            master_key=key,
            database_role=database_role or None,
            statement_cache=statement_cache,
            embedded_data_dir=where.data_dir if where.database_url is None else None,
            metrics_folder=metrics_folder,
        )

    serving.serve(
        where,
        serving.Listen(host=host, port=port, workers=workers),
        serving.Administrator(admin_user, password),
        settings,
        lambda text: click.echo(text, err=True),
    )


@main.command()
@on_data
def migrate(where: Where) -> None:
    """Bring the schema up to date, and say what was done."""
    with database(where) as url:
        applied, _ = asyncio.run(prepare(url, where))
    for name in applied:
        click.echo(f"Applied {name}")
    if not applied:
        click.echo("Up to date")


@main.group()
def users() -> None:
    """Who may call."""


@users.command("add")
@click.argument("name")
@click.option("--role", "roles", multiple=True, required=True, help="May be given repeatedly.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@on_data
def add_user(where: Where, name: str, roles: tuple[str, ...], password_stdin: bool) -> None:
    """Add a user; without a password it calls with tokens only."""
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    on_store(where, lambda store: people.add(store, name, roles, password))
    click.echo(f"Added {name}", err=True)


@users.command("list")
@on_data
def list_users(where: Where) -> None:
    """List the users and their roles."""
    everybody = on_store(where, people.everybody)
    print_table(["name", "roles"], [(row["name"], ", ".join(row["roles"])) for row in everybody])


@users.command("token")
@click.argument("name")
@on_data
def give_token(where: Where, name: str) -> None:
    """Print a new bearer token for a user: the only time that it is shown."""
    click.echo(on_store(where, lambda store: people.give_token(store, name)))


@main.group()
def accounts() -> None:
    """The accounts that sessions belong to."""


@accounts.command("add")
@click.argument("account_id", metavar="ID")
@click.argument("name")
@on_data
def add_account(where: Where, account_id: str, name: str) -> None:
    """Add an account."""
    on_service(where, lambda service: ledger.add(service, account_id, name))
    click.echo(f"Added {account_id}", err=True)


@accounts.command("list")
@on_data
def list_accounts(where: Where) -> None:
    """List the accounts."""
    found = on_service(where, ledger.everything)
    print_table(["id", "name"], [(account.account_id, account.name) for account in found])


@main.command()
@click.argument("projections", nargs=-1, metavar="[PROJECTION]...")
@on_data
def rebuild(where: Where, projections: tuple[str, ...]) -> None:
    """Rebuild read views from the log, all of them or those named."""
    try:
        views = rebuilding.named(projections)
    except KeyError as error:
        raise click.UsageError(f"There is no projection {error}") from error

    async def work(store: Connection, keyring: Keyring) -> rebuilding.Rebuilt:
        with progress("Rebuilding") as advance:
            return await rebuilding.rebuild(store, keyring, views, advance)

    done = on_log(where, work)
    for name, rows in sorted(done.rows.items()):
        click.echo(f"{name}: {rows} rows from {done.events} events", err=True)


@main.command()
@on_data
def verify(where: Where) -> None:
    """Check that the log has no hole and that the views equal it."""

    async def work(store: Connection, keyring: Keyring) -> list[str]:
        with progress("Verifying") as advance:
            return await verifying.verify(store, keyring, advance)

    differences = on_log(where, work)
    for difference in differences:
        click.echo(difference)
    if differences:
        sys.exit(DIFFERENCE)
    click.echo("The log is whole, and the views equal it", err=True)


@main.command()
@click.argument("stream")
@click.option("--as-of", help="A version, or a time such as 2026-11-21T10:00:00Z.")
@click.option(
    "--output", type=click.Choice(["table", "json", "ndjson"]), default="table", show_default=True
)
@on_data
def replay(where: Where, stream: str, as_of: str | None, output: str) -> None:
    """Show a session's history: STREAM is its id as the APIs give it, or account:ID."""
    try:
        named = replaying.stream_named(stream)
        until = None if as_of is None else replaying.as_of(as_of)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    steps = on_log(where, lambda store, keys: replaying.replay(store, keys, named, until))
    if not steps:
        raise click.UsageError(f"Nothing was ever recorded for {stream}")
    print_steps(steps, output)


if __name__ == "__main__":
    main()
