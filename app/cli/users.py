"""`users` and `tokens`: who may call the APIs, and with what."""

import sys
from typing import TYPE_CHECKING

import click

from app.auth.roles import ROLES
from app.cli.exit_codes import Refused
from app.cli.options import Given, on_data, output_option
from app.cli.reading import on_log_or_server, on_server
from app.cli.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from datetime import datetime

    from app.auth.tokens import TokenInfo
    from app.cli.reading import Where
    from app.maintenance.store import Connection, DataLocation
    from app.maintenance.users import UserInfo

# (No environment variable says whom a command is about, or what it gives: those are for settings.)
_roles = click.option(
    "--role",
    multiple=True,
    required=True,
    type=click.Choice(ROLES, case_sensitive=False),
    metavar="ROLE",
    help=f"May be given repeatedly: {', '.join(ROLES)}.",
)
_output = click.option(
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How to show it.",
)


@click.group()
def users() -> None:
    """Who may call."""


@click.group()
def tokens() -> None:
    """The bearer tokens that users call with."""


@users.command("add")
@click.argument("name")
@_roles
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@on_data
def add_user(where: "DataLocation", name: str, role: tuple[str, ...], password_stdin: bool) -> None:
    """Add a user; without a password it calls with tokens only."""
    from app.cli.work import on_store
    from app.maintenance import users as people
    from app.maintenance.store import SchemaPermission

    password = _from_stdin() if password_stdin else None
    wanted = list(dict.fromkeys(role))
    on_store(where, lambda store: people.add(store, name, wanted, password), SchemaPermission.BEGIN)
    click.echo(f"Added {name}", err=True)


@users.command("list")
@output_option
@on_log_or_server
def list_users(where: "Where", output: str) -> None:
    """List the users, their roles, and whether they may call."""
    from app.cli.output import print_found

    if isinstance(where, Server):
        found = on_server(where, lambda remote: remote.users())
    else:
        from app.cli.work import on_store
        from app.maintenance import users as people

        found = on_store(where, people.all_shown, looks=True)
    columns: Mapping[str, Callable[[UserInfo], str]] = {
        "name": lambda each: each.name,
        "roles": lambda each: ", ".join(each.roles),
        "state": lambda each: str(each.state),
    }
    print_found("users", found, columns, output)


@users.command("passwd")
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@on_data
def change_password(where: "DataLocation", name: str, password_stdin: bool) -> None:
    """Give a user another password; sign-ins and tokens of the user end."""
    from app.maintenance import users as people

    password = _from_stdin() if password_stdin else _typed()

    async def change(store: "Connection") -> None:
        await people.change_password(store, name, password)
        await people.forget_first_password(store, where.data_dir)

    _change(where, change)
    click.echo(f"Changed the password of {name}", err=True)


@users.command("roles")
@click.argument("name")
@_roles
@on_data
def change_roles(where: "DataLocation", name: str, role: tuple[str, ...]) -> None:
    """Give a user these roles in place of those it has."""
    from app.maintenance import users as people

    wanted = list(dict.fromkeys(role))
    _change(where, lambda store: people.change_roles(store, name, wanted))
    click.echo(f"{name} has the roles {', '.join(wanted)}", err=True)


@users.command("disable")
@click.argument("name")
@on_data
def disable_user(where: "DataLocation", name: str) -> None:
    """Shut a user out until it is enabled; sign-ins and tokens of the user end."""
    from app.maintenance import users as people

    _change(where, lambda store: people.disable(store, name))
    click.echo(f"Disabled {name}", err=True)


@users.command("enable")
@click.argument("name")
@on_data
def enable_user(where: "DataLocation", name: str) -> None:
    """Let a disabled user in again, by its password or by new tokens."""
    from app.maintenance import users as people

    _change(where, lambda store: people.enable(store, name))
    click.echo(f"Enabled {name}", err=True)


@users.command("remove")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do it: a removed name is never given again.")
@on_data
def remove_user(where: "DataLocation", name: str, yes: bool) -> None:
    """Shut a user out for good; what the user did stays in the log."""
    from app.maintenance import users as people

    if not yes:
        raise Refused(
            f"{name} would be shut out for good, and the name never given again: repeat this with "
            "--yes, or disable the user instead"
        )
    _change(where, lambda store: people.remove(store, name))
    click.echo(f"Removed {name}", err=True)


@users.command("sign-out")
@click.argument("name")
@on_data
def sign_out_user(where: "DataLocation", name: str) -> None:
    """End all sign-ins and tokens of a user, whose password goes on working."""
    from app.maintenance import users as people

    _change(where, lambda store: people.sign_out(store, name))
    click.echo(f"Signed {name} out everywhere", err=True)


@users.command("token")
@click.argument("name")
@on_data
def give_token(where: "DataLocation", name: str) -> None:
    """Print a new bearer token for a user, of 90 days: as `tokens add NAME`."""
    from app.cli.work import on_store
    from app.maintenance import users as people

    click.echo(on_store(where, lambda store: people.give_token(store, name)))


@tokens.command("add")
@click.argument("name")
@click.option("--label", default="", help="What the token is for.")
@click.option(
    "--expires",
    metavar="END",
    default="90d",
    show_default=True,
    help="A span such as 90d, 12h or 8s, a time in RFC 3339, or never.",
)
@_output
@on_data
def add_token(where: "DataLocation", name: str, label: str, expires: str, output: str) -> None:
    """Print a new bearer token for a user: the only time that it is shown."""
    from datetime import UTC, datetime

    from app.auth.lifetimes import end_of
    from app.cli.output import print_json
    from app.cli.work import on_store
    from app.maintenance import users as people
    from domain.errors import InvalidField

    try:
        end_of(expires, datetime.now(UTC))  # before a database is started for it
    except InvalidField as error:
        raise click.UsageError(str(error)) from error
    issued = on_store(where, lambda store: people.issue_token(store, name, label, expires))
    if output == "json":
        print_json(issued)
    else:
        click.echo(issued.token)


@tokens.command("list")
@click.argument("name", required=False)
@output_option
@on_log_or_server
def list_tokens(where: "Where", name: str | None, output: str) -> None:
    """List the tokens that have not ended, of one user or of all."""
    from app.cli.output import print_found

    if isinstance(where, Server):
        found = on_server(where, lambda remote: remote.tokens(name))
    else:
        from app.cli.work import on_store
        from app.maintenance import users as people

        found = on_store(where, lambda store: people.tokens(store, name), looks=True)
    columns: Mapping[str, Callable[[TokenInfo], str]] = {
        "id": lambda each: each.id,
        "user": lambda each: each.principal,
        "label": lambda each: each.label,
        "issuedBy": lambda each: each.issued_by,
        "issuedAt": lambda each: _second(each.issued_at),
        "expiresAt": lambda each: _second(each.expires_at) if each.expires_at else "never",
        "lastUsed": lambda each: _second(each.last_used_at) if each.last_used_at else "",
    }
    print_found("tokens", found, columns, output)


@tokens.command("revoke")
@click.argument("token_id", metavar="ID")
@on_data
def revoke_token(where: "DataLocation", token_id: str) -> None:
    """End one token, and those that were asked for with it."""
    from app.cli.work import on_store
    from app.maintenance import users as people

    name = on_store(where, lambda store: people.revoke_token(store, token_id))
    click.echo(f"Revoked a token of {name}", err=True)


def _change(
    where: "DataLocation", change: "Callable[[Connection], Coroutine[Given, Given, None]]"
) -> None:
    from app.cli.work import on_store

    on_store(where, change)


def _second(at: "datetime") -> str:
    return at.isoformat(timespec="seconds")


def _from_stdin() -> str:
    return sys.stdin.readline().rstrip("\r\n")


def _typed() -> str:
    if not sys.stdin.isatty():
        raise click.UsageError("Give the password with --password-stdin")
    typed: str = click.prompt("New password", hide_input=True, confirmation_prompt=True, err=True)
    return typed
