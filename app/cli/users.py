"""`users`: the users who may call the APIs."""

import sys
from typing import TYPE_CHECKING

import click

from app.auth.roles import ROLES
from app.cli.options import on_data, option

if TYPE_CHECKING:
    from app.maintenance.store import DataLocation


@click.group()
def users() -> None:
    """Who may call."""


@users.command("add")
@click.argument("name")
@option(
    "--role",
    multiple=True,
    required=True,
    type=click.Choice(ROLES, case_sensitive=False),
    metavar="ROLE",
    help=f"May be given repeatedly: {', '.join(ROLES)}.",
)
@option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@on_data
def add_user(where: "DataLocation", name: str, role: tuple[str, ...], password_stdin: bool) -> None:
    """Add a user; without a password it calls with tokens only."""
    from app.cli.work import on_store
    from app.maintenance import users as people
    from app.maintenance.store import SchemaPermission

    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    wanted = list(dict.fromkeys(role))
    on_store(where, lambda store: people.add(store, name, wanted, password), SchemaPermission.BEGIN)
    click.echo(f"Added {name}", err=True)


@users.command("list")
@on_data
def list_users(where: "DataLocation") -> None:
    """List the users and their roles."""
    from app.cli.output import print_table
    from app.cli.work import on_store
    from app.maintenance import users as people

    everybody = on_store(where, people.everybody, looks=True)
    print_table(["name", "roles"], [(row["name"], ", ".join(row["roles"])) for row in everybody])


@users.command("token")
@click.argument("name")
@on_data
def give_token(where: "DataLocation", name: str) -> None:
    """Print a new bearer token for a user: the only time that it is shown."""
    from app.cli.work import on_store
    from app.maintenance import users as people

    click.echo(on_store(where, lambda store: people.give_token(store, name)))
