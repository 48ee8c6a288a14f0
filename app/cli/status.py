"""`status`, `projections`, `partitions`, `stuck`: what runs, and why it does not."""

import sys
import time
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING

import click

from app.cli.exit_codes import DIFFERENCE
from app.cli.options import Given, on_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.maintenance.store import Connection, DataLocation
    from app.operations.partitions import Partition
    from app.operations.projections import Projection
    from app.operations.status import Status
    from app.operations.stuck import Stuck

_output = click.option(
    "--output", type=click.Choice(["table", "json"]), default="table", show_default=True
)


def _unless_subcommand(command: Callable[..., None]) -> Callable[..., None]:
    """A group that does something by itself: nothing of it, if a subcommand follows."""

    @wraps(command)
    def looks(**given: Given) -> None:
        if click.get_current_context().invoked_subcommand is None:
            command(**given)

    return looks


@click.command()
@click.option(
    "--watch",
    is_flag=False,
    flag_value=5.0,
    type=click.FloatRange(0.5),
    metavar="SECONDS",
    help="Look again and again, every 5 s or so many.",
)
@_output
@on_data
def status(where: "DataLocation", watch: float | None, output: str) -> None:
    """How the database, the log and the views stand; 1 if something is wrong."""
    from app.cli.work import on_store
    from app.maintenance.standby import standing_of
    from app.operations.status import status as look_at

    async def look(store: "Connection") -> "Status":
        return await look_at(store, await standing_of(where, store))

    while True:
        found = on_store(where, look, looks=True, any_version=True)
        _print_status(found, output)
        if watch is None:
            break
        time.sleep(watch)
    if not found.ok:
        sys.exit(DIFFERENCE)


@click.group(invoke_without_command=True)
@_unless_subcommand
@_output
@on_data
def projections(where: "DataLocation", output: str) -> None:
    """Each view and follower: version, position, how far behind."""
    from app.cli.output import print_json
    from app.cli.work import on_store
    from app.operations.projections import projections as look

    found = on_store(where, look, looks=True, any_version=True)
    if output == "json":
        print_json({"projections": found})
    else:
        _print_projections(found)


@click.command()
@_output
@on_data
def partitions(where: "DataLocation", output: str) -> None:
    """Each partition: its node, what it holds and takes, and how fast it grows."""
    from app.cli.output import print_json
    from app.cli.work import on_store
    from app.operations.partitions import partitions as look

    found = on_store(where, look, looks=True, any_version=True)
    if output == "json":
        print_json({"partitions": found})
    else:
        _print_partitions(found)


@click.command()
@_output
@on_data
def stuck(where: "DataLocation", output: str) -> None:
    """What does not go on, and what is in its way; 1 if there is something."""
    from app.cli.output import print_json
    from app.cli.work import on_store
    from app.operations.stuck import stuck as look

    found = on_store(where, look, looks=True, any_version=True)
    if output == "json":
        print_json({"stuck": found})
    else:
        _print_stuck(found)
    if found:
        sys.exit(DIFFERENCE)
    click.echo("Nothing is stuck", err=True)


def _print_status(found: "Status", output: str) -> None:
    from app.cli.output import print_json, print_table
    from app.operations.words import facts

    if output == "json":
        print_json(found)
        return
    click.echo(f"{'well' if found.ok else 'WRONG'}: {found.sentence}")
    print_table(["what", "how it stands"], facts(found))
    _print_projections(found.projections)


def _print_projections(found: "Sequence[Projection]") -> None:
    from app.cli.output import print_table
    from app.operations.words import span

    columns = ["name", "version", "position", "behind", "age", "state", "owner", "last rebuild"]
    print_table(
        columns,
        [
            (
                each.name,
                str(each.version),
                each.position,
                str(each.lag_events),
                span(each.lag_seconds),
                each.state,
                each.owner or "",
                ""
                if each.last_rebuild is None
                else each.last_rebuild.isoformat(timespec="seconds"),
            )
            for each in found
        ],
    )


def _print_partitions(found: "Sequence[Partition]") -> None:
    from app.cli.output import print_table
    from app.operations.words import size

    print_table(
        ["position", "node", "events", "sessions", "tables", "indexes", "a second"],
        [
            (
                each.position,
                each.node,
                str(each.events),
                f"{'about ' * each.sessions_estimated}{each.sessions}",
                size(each.table_bytes),
                size(each.index_bytes),
                f"{each.per_second:g}",
            )
            for each in found
        ],
    )


def _print_stuck(found: "Sequence[Stuck]") -> None:
    for each in found:
        click.echo(each.sentence)
