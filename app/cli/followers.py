"""`project`, `projections redrive`, `projections forget`: followers, and their quarantine."""

import sys
from typing import TYPE_CHECKING, Any, TypeVar

import click

from app.cli.exit_codes import DIFFERENCE, Refused
from app.cli.options import on_data

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from uuid import UUID

    from app.maintenance.store import Connection, DataLocation
    from app.settings import Settings

T = TypeVar("T")


@click.command()
@click.argument("path", metavar="MODULE:CLASS")
@click.option(
    "--view",
    metavar="MODULE:CLASS",
    help="The class of its view; by default, VIEW in its base Projection[VIEW].",
)
@click.option("--once", is_flag=True, help="End when it has taken up all that is in the log.")
@on_data
def project(where: "DataLocation", path: str, view: str | None, once: bool) -> None:
    """Run a projection of the eventsourcing library on the log.

    CLASS is one of eventsourcing.projection.Projection. Its view is a class of
    PostgresTrackingRecorder, whose tables are made in the schema projection_NAME. Each event is
    taken up exactly once, by one process at a time: others that run the same one wait for its end.
    """
    import os

    from app.followers.library import running
    from app.followers.names import checked, schema_of

    sys.path.insert(0, os.getcwd())  # as `python -m` does
    projection, view_class = running.named(path, view)
    name = checked(projection.name)
    act = running.catch_up if once else running.keep_projecting

    async def run(settings: "Settings") -> None:
        click.echo(f"{name} follows the log: its tables are in {schema_of(name)}", err=True)
        await act(settings, projection, view_class)

    by_settings(where, run)


@click.command()
@click.argument("name", required=False)
@click.option(
    "--stream", type=click.UUID, help="Only this one, by the id that `stuck` says; needs NAME."
)
@on_data
def redrive(where: "DataLocation", name: str | None, stream: "UUID | None") -> None:
    """Let followers try again the streams that wait in quarantine: those of NAME, or all.

    The waiting events are taken up in order. Ends with 1 if streams still wait.
    """
    if stream is not None and name is None:
        raise click.UsageError("Name the follower, too, by which the stream is to be tried again")
    from app.followers.redriving import Redriven, redrive
    from app.maintenance.store import connected
    from app.operations.deeds import Recorder
    from app.operations.stuck import stuck

    async def run(settings: "Settings") -> tuple[Redriven, list[str]]:
        async with connected(settings.database_url, where.statement_cache) as store:
            deed = Recorder("projections redrive")
            done = await redrive(store, settings, name, stream)
            if done.asked:
                await deed.end(store.raw, name or "all followers", well=not done.left)
            found = await stuck(store)
        return done, [each.sentence for each in found if each.kind == "quarantine"]

    done, sentences = by_settings(where, run)
    if not done.asked:
        click.echo("Nothing waits in quarantine", err=True)
        return
    click.echo(f"{done.asked} streams were asked for, {done.left} still wait", err=True)
    for sentence in sentences:
        click.echo(sentence)
    if done.left:
        sys.exit(DIFFERENCE)


@click.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do it: its tables are gone then.")
@on_data
def forget(where: "DataLocation", name: str, yes: bool) -> None:
    """Forget a projection of your own, with all tables in its schema."""
    from app.cli.work import on_store
    from app.followers import reset
    from app.followers.names import schema_of

    async def work(store: "Connection") -> None:
        await reset.require(store, name)
        if not yes:
            raise Refused(f"The schema {schema_of(name)} would be gone for good: add --yes")
        await reset.forget(store, name)

    on_store(where, work)
    click.echo(f"Forgot {name}", err=True)


def by_settings(where: "DataLocation", run: "Callable[[Settings], Coroutine[Any, Any, T]]") -> T:
    """The result of some work with connections of its own, as the service's are, by our login."""
    import asyncio

    from app.maintenance.store import SchemaPermission, database, prepare

    async def prepared(url: str) -> T:
        _, key = await prepare(url, where, SchemaPermission.LOOK)
        return await run(where.settings(url, key))

    with database(where, SchemaPermission.LOOK) as url:
        return asyncio.run(prepared(url))
