"""Options that subcommands share. This module is light: subcommands import their needs later."""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import click
import platformdirs
from click.core import ParameterSource

from app.cli.param_types import Folder, Zone
from app.cli.signals import ending_in_order
from app.cli.standard_streams import Unwritable
from app.database.environment import drop_secrets, take_secret
from app.settings import SERVICE_ROLE, STATEMENT_CACHE

if TYPE_CHECKING:
    from app.maintenance.store import DataLocation

Given: TypeAlias = Any
"""A value that click takes or gives for an option."""
Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class Setting(click.Option):
    """An option that may also stand before the command: `sessionary --data-dir D verify`."""

    def consume_value(
        self, ctx: click.Context, opts: Mapping[str, Given]
    ) -> tuple[Given, ParameterSource]:
        """What stands after the command counts most, then what stands before it."""
        value, source = super().consume_value(ctx, opts)
        program = ctx.find_root()
        if source is not ParameterSource.COMMANDLINE and program is not ctx:
            assert self.name is not None  # options have one
            if program.get_parameter_source(self.name) is ParameterSource.COMMANDLINE:
                return program.params[self.name], ParameterSource.COMMANDLINE
        return value, source

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """The variable, which is read where the command is."""
        return None if _is_program(ctx) else super().resolve_envvar_value(ctx)

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The help, at the command only."""
        return None if _is_program(ctx) else super().get_help_record(ctx)


def _is_program(ctx: click.Context) -> bool:
    return ctx.parent is None and isinstance(ctx.command, click.Group)


def option(name: str, **attributes: Given) -> Callable[[Decorated], Decorated]:
    """An option and its environment variable: `--database-url` is `SESSIONARY_DATABASE_URL`."""
    variable = "SESSIONARY_" + name.removeprefix("--").replace("-", "_").upper()
    return click.option(name, cls=Setting, envvar=variable, show_envvar=True, **attributes)


with_jobs = option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes that read, fold and write.",
)
"""Gives a command that rebuilds the number of its processes."""

_AS_GIVEN = (
    "data_dir",
    "database_url",
    "owner_url",
    "database_password_file",
    "owner_password_file",
    "master_key_file",
    "allow_unsafe_database",
    "allow_owner_login",
    "statement_cache",
    "read_url",
)
"""Options that are fields of a `DataLocation` as they are."""


def on_data(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that locate the data, as one argument `where`."""

    @wraps(command)
    def with_where(**given: Given) -> None:
        if click.get_current_context().find_root().params.get("server") is not None:
            raise click.UsageError("This command works on the database: it takes no --server")
        where, others = located(given)
        reachable(lambda: command(where=where, **others))

    return decorated(with_where, data_options())


def located(given: dict[str, Given]) -> "tuple[DataLocation, dict[str, Given]]":
    """The location of the data that options give, and the other options; takes the secrets away."""
    database_password = take_secret("PGPASSWORD")
    drop_secrets()
    from app.maintenance.store import DataLocation

    others = dict(given)
    as_given: dict[str, Any] = {name: others.pop(name) for name in _AS_GIVEN}
    role = others.pop("database_role")
    where = DataLocation(
        database_password=database_password, database_role=role or None, **as_given
    )
    return where, others


def data_options() -> list[Callable[[Any], Any]]:
    """The options that locate the data."""
    return [*_data_options(), *_service_options()]


OUTPUTS = ("table", "json", "ndjson", "csv")
output_option = click.option(
    "--output",
    type=click.Choice(OUTPUTS),
    default="table",
    show_default=True,
    help="How to show it; a table is tab-separated where no terminal is.",
)
zone_option = click.option(
    "--tz",
    type=Zone(),
    default="UTC",
    show_default=True,
    help="Time zone, for showing times and for those that are given without one.",
)


def given_before(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give the program the settings that may stand before a command, which looks them up there."""

    @wraps(command)
    def without(**_: Given) -> None:
        command()

    return decorated(without, [*server_options(), *data_options()])


def decorated(command: Decorated, options: Sequence[Callable[[Decorated], Decorated]]) -> Decorated:
    """A command with options, in the order in which its help shows them."""
    for decorate in reversed(options):
        decorate(command)
    return command


def server_options() -> list[Callable[[Any], Any]]:
    """The options that name a running service to ask in place of the database."""
    return [
        option(
            "--server",
            metavar="URL",
            help="A running service to ask, in place of the database, such as "
            "https://sessions.example.com.",
        ),
        option(
            "--token-file",
            type=click.Path(dir_okay=False, path_type=Path),
            help="File with the bearer token for --server.",
        ),
    ]


def _data_options() -> list[Callable[[Any], Any]]:
    return [
        *_logins(),
        option(
            "--data-dir",
            type=Folder(),
            default=platformdirs.user_data_path("sessionary", appauthor=False),
            help="Folder of the embedded PostgreSQL and of the master key.",
        ),
        option(
            "--master-key-file",
            type=click.Path(dir_okay=False, path_type=Path),
            help="File with the key over all personal data; made for a new log.",
        ),
    ]


def _service_options() -> list[Callable[[Any], Any]]:
    return [
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
        option(
            "--read-url",
            help="A hot standby of the database, by the service's login: lists, past moments and "
            "audits are read from it, as long as it shows all that they must.",
        ),
    ]


def _logins() -> list[Callable[[Any], Any]]:
    password_file = click.Path(dir_okay=False, exists=True, path_type=Path)
    return [
        option(
            "--database-url",
            help="A PostgreSQL to use instead of the embedded one, by the service's login.",
        ),
        option(
            "--database-password-file",
            type=password_file,
            help="File with the password for --database-url.",
        ),
        option(
            "--owner-url",
            help="The same database by its owner's login, for migrations and the other commands; "
            "not given, they use --database-url.",
        ),
        option(
            "--owner-password-file",
            type=password_file,
            help="File with the password for --owner-url.",
        ),
        option(
            "--allow-owner-login",
            is_flag=True,
            help="Serve although the login of --database-url could change the log itself: it is a "
            "superuser, owns the log, or may become its owner.",
        ),
    ]


def _role_by_default() -> str:
    # click treats an empty variable as unset; here it means no role.
    return os.environ.get("SESSIONARY_DATABASE_ROLE", SERVICE_ROLE)


def reachable(run: Callable[[], None]) -> None:
    """Run, and turn a failure into a sentence and an exit code."""
    try:
        with ending_in_order():
            run()
    except (click.ClickException, click.exceptions.Exit, click.Abort, Unwritable):
        raise
    except (Exception, KeyboardInterrupt) as error:
        from app.cli import failures

        failures.end(error)
