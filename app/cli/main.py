"""The command line: thin. Each command imports its needs when it runs, so that none waits for the
imports of another. The exit codes are in `exit_codes`.
"""

import sys
from typing import TYPE_CHECKING

import click

from app.cli.backup import backup, restore
from app.cli.checkpoint import checkpoint
from app.cli.completion import completion
from app.cli.config import config
from app.cli.erase import erase
from app.cli.events import events
from app.cli.exit_codes import DIFFERENCE, UNWRITABLE
from app.cli.export import export, import_log
from app.cli.followers import forget, project, redrive
from app.cli.hold import hold
from app.cli.keys import keys
from app.cli.metrics import metrics
from app.cli.migrate import migrate
from app.cli.operate import operate
from app.cli.options import Given, given_before, on_data, output_option
from app.cli.prove import prove
from app.cli.psql import psql
from app.cli.reading import on_log_or_server, on_server
from app.cli.rebuild import back, drop, rebuild
from app.cli.receipts import receipts
from app.cli.replay import replay
from app.cli.retain import erase_by_policy
from app.cli.serve_command import serve
from app.cli.server import Server
from app.cli.standard_streams import Unwritable, leave_standard_output, make_sure_of_streams
from app.cli.status import partitions, projections, status, stuck
from app.cli.subject import subject
from app.cli.users import tokens, users
from app.cli.verify import verify
from app.cli.witness import witness

if TYPE_CHECKING:
    from app.cli.reading import Where
    from app.integrity.doctor import Finding
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
@given_before
def main() -> None:
    """Sessionary keeps sessions as what happened to them.

    The options that name the database or the service may also stand before the command.
    """


main.add_command(serve)
main.add_command(migrate)
main.add_command(backup)
main.add_command(restore)
main.add_command(export)
main.add_command(import_log)
main.add_command(keys)
main.add_command(events)
main.add_command(replay)
main.add_command(config)
main.add_command(metrics)
main.add_command(status)
main.add_command(stuck)
main.add_command(projections)
main.add_command(partitions)
projections.add_command(back)
projections.add_command(drop)
projections.add_command(redrive)
projections.add_command(forget)
main.add_command(project)
main.add_command(rebuild)
main.add_command(operate)
main.add_command(psql)
main.add_command(witness)
main.add_command(users)
main.add_command(tokens)
main.add_command(verify)
main.add_command(checkpoint)
main.add_command(prove)
main.add_command(subject)
main.add_command(erase)
main.add_command(receipts)
main.add_command(hold)
main.add_command(erase_by_policy)
main.add_command(completion)


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
@output_option
@on_log_or_server
def list_accounts(where: "Where", output: str) -> None:
    """List the accounts."""
    from app.cli.output import print_found

    if isinstance(where, Server):
        found = on_server(where, lambda remote: remote.accounts())
    else:
        from app.cli import accounts as ledger
        from app.cli.work import on_store

        found = on_store(where, ledger.everything, looks=True, as_service=True)
    columns = {"id": lambda each: each.id, "name": lambda each: each.name}
    print_found("accounts", found, columns, output)


@main.command("doctor")
@output_option
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


if __name__ == "__main__":
    main()
