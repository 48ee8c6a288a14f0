"""The command line: thin. Each command imports its needs when it runs, so that none waits for the
imports of another. The exit codes are in `exit_codes`.
"""

import sys
from typing import TYPE_CHECKING

import click

from app.cli.exit_codes import DIFFERENCE, UNWRITABLE, Refused
from app.cli.migrate import migrate
from app.cli.options import Given, on_data
from app.cli.rebuild import back, rebuild
from app.cli.serve_command import serve
from app.cli.standard_streams import Unwritable, leave_standard_output, make_sure_of_streams
from app.cli.users import tokens, users

if TYPE_CHECKING:
    from app.integrity.doctor import Finding
    from app.log.keyring import Keyring
    from app.maintenance.store import Connection, DataLocation


class _Program(click.Group):
    """The group of all subcommands."""

    def main(self, *args: Given, **options: Given) -> Given:
        """Run, in whatever state standard output and standard error are."""
        make_sure_of_streams()
        try:
            return super().main(*args, **options)
        except Unwritable as error:
            leave_standard_output()
            click.echo(f"Standard output cannot be written: {error.strerror}", err=True)
            sys.exit(UNWRITABLE)


@click.group(
    cls=_Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="sessionary")
def main() -> None:
    """Sessionary keeps sessions as what happened to them."""


main.add_command(serve)


main.add_command(migrate)
main.add_command(users)
main.add_command(tokens)
main.add_command(rebuild)


@main.group()
def accounts() -> None:
    """The accounts that sessions belong to."""


@accounts.command("add")
@click.argument("account_id", metavar="ID")
@click.argument("name")
@on_data
def add_account(where: "DataLocation", account_id: str, name: str) -> None:
    """Add an account."""
    from app.cli import accounts as ledger
    from app.maintenance.store import SchemaPermission

    ledger.on_service(
        where, lambda service: ledger.add(service, account_id, name), SchemaPermission.BEGIN
    )
    click.echo(f"Added {account_id}", err=True)


@accounts.command("list")
@on_data
def list_accounts(where: "DataLocation") -> None:
    """List the accounts."""
    from app.cli import accounts as ledger
    from app.cli.output import print_table
    from app.cli.work import on_store

    found = on_store(where, ledger.everything, looks=True, as_service=True)
    print_table(["id", "name"], [(row["account_id"], row["name"]) for row in found])


@main.group()
def projections() -> None:
    """The read views: `back` undoes the last rebuild of one."""


projections.add_command(back)


@main.command()
@on_data
def verify(where: "DataLocation") -> None:
    """Check that the log has no hole and that the views equal it."""
    from app.cli.output import progress
    from app.cli.work import on_log
    from app.integrity import guards
    from app.integrity import verify as verifying
    from app.integrity.positions import warnings

    async def work(store: "Connection", keyring: "Keyring") -> tuple[list[str], list[str]]:
        troubles = [*await guards.changed_collations(store), *await warnings(store)]
        lost = await guards.missing(store)
        with progress("Verifying") as advance:
            return lost + await verifying.verify(store, keyring, advance), troubles

    differences, troubles = on_log(where, work, looks=True)
    for trouble in troubles:
        click.echo(f"Warning: {trouble}", err=True)
    for difference in differences:
        click.echo(difference)
    if differences:
        sys.exit(DIFFERENCE)
    click.echo("Positions and versions have no hole, and the views equal the log", err=True)
    click.echo("What the events themselves say is taken as it is, not proven", err=True)


@main.command("doctor")
@click.option("--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
@on_data
def see_doctor(where: "DataLocation", output: str) -> None:
    """Look at what the service rests on; 1 if something is wrong."""
    from app.cli.output import print_findings
    from app.cli.work import on_any_database
    from app.integrity import doctor

    async def work(store: "Connection") -> "list[Finding]":
        return await doctor.examine(doctor.Examination(store, where))

    found = on_any_database(where, work)
    well = print_findings(found, output)
    if not well:
        sys.exit(DIFFERENCE)


@main.command()
@click.argument("stream")
@click.option("--as-of", help="A version, or a time such as 2026-11-21T10:00:00Z.")
@click.option(
    "--output", type=click.Choice(["table", "json", "ndjson"]), default="table", show_default=True
)
@on_data
def replay(where: "DataLocation", stream: str, as_of: str | None, output: str) -> None:
    """Show a history: STREAM is a session's id, account:ID, or principal:NAME."""
    from app.cli.output import print_steps
    from app.cli.work import on_log
    from app.history import replay as replaying

    try:
        named = replaying.stream_named(stream)
        until = None if as_of is None else replaying.as_of(as_of)
    except ValueError as error:
        raise click.UsageError(str(error)) from error

    async def work(store: "Connection", keyring: "Keyring") -> int:
        return await print_steps(replaying.replay(store, keyring, named, until), output)

    if not on_log(where, work, looks=True):
        when = "" if as_of is None else f" up to {as_of}"
        raise Refused(f"Nothing was recorded for {stream}{when}")


if __name__ == "__main__":
    main()
