"""`rebuild`, and the way back from it."""

import sys
from typing import TYPE_CHECKING

import click

from app.cli.exit_codes import DIFFERENCE, Refused
from app.cli.options import on_data, with_jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from app.history.streams import Progress
    from app.log.keyring import Keyring
    from app.maintenance.store import Connection, DataLocation
    from app.rebuild.rebuild import Rebuilt
    from app.rebuild.refills import Advance
    from app.settings import Settings
    from projections.view import View


@click.command()
@click.argument("projections", nargs=-1, metavar="[PROJECTION]...")
@click.option("--dry-run", is_flag=True, help="Compare with the log, and change nothing.")
@with_jobs
@click.option(
    "--timings", is_flag=True, help="Show at the end, on stderr, what the time went to, as JSON."
)
@click.option(
    "--pause", "asked", flag_value="pause", help="Stop the one that runs; the next goes on."
)
@click.option(
    "--cancel", "asked", flag_value="cancel", help="Stop the one that runs, or forget a paused one."
)
@on_data
def rebuild(
    where: "DataLocation",
    projections: tuple[str, ...],
    dry_run: bool,
    jobs: int,
    timings: bool,
    asked: str | None,
) -> None:
    """Rebuild read views from the log, all of them or those named.

    It goes on where a killed or paused one of the same views had stopped. The tables that were live
    are kept until the next rebuild or `projections drop`: `projections back` swaps them in again.
    Ends with 1 if a stream cannot be rebuilt, or if the views differ in a dry run. A follower
    (`history`, `activity`, `people`) is made anew beside its tables, which are swapped then; it is
    paused, gone on with and cancelled in the same way. Any other one (`tree`, or a projection of
    your own) is emptied, and the process that follows fills it again.
    """
    if asked is not None:
        _stop(where, asked)
        return
    others = _without_followers(where, projections, dry_run=dry_run) if projections else ()
    if projections and not others:
        return
    views = _named(others)
    done = _rebuild(where, views, jobs=jobs, dry_run=dry_run)
    _tell(done, dry_run=dry_run)
    if timings:
        import msgspec

        click.echo(msgspec.json.encode(done.seconds), err=True)
    if done.damaged or (dry_run and any(done.mended.values())):
        sys.exit(DIFFERENCE)


def _without_followers(
    where: "DataLocation", projections: tuple[str, ...], *, dry_run: bool
) -> tuple[str, ...]:
    """The other names; the tables of followers are made anew."""
    from app.cli.work import on_store
    from app.followers import reset

    known = on_store(where, reset.followers)
    named = [name for name in dict.fromkeys(projections) if name in known]
    others = tuple(name for name in projections if name not in named)
    _named(others, known)
    if named and not dry_run:
        _refill(where, named)
    return others


def _refill(where: "DataLocation", names: "Sequence[str]") -> None:
    from app.cli.followers import by_settings
    from app.maintenance.store import connected
    from app.operations.deeds import Recorder
    from app.rebuild.refills import carry_out

    async def run(settings: "Settings") -> list[str]:
        async def refilled(store: "Connection", name: str, advance: "Advance") -> None:
            await _refilled(store, settings, name, advance)

        async with connected(settings.database_url, where.statement_cache) as store:
            deed = Recorder("rebuild")
            before = await carry_out(store, names, refilled)
            await deed.end(store.raw, ", ".join(names))
        return before

    for name in by_settings(where, run):
        click.echo(f"{name}: made anew before it was stopped", err=True)


async def _refilled(
    store: "Connection", settings: "Settings", name: str, advance: "Advance"
) -> None:
    """Let one follower take up the log anew, and show how far it is."""
    from app.care.refilling import refill_shown
    from app.cli.progress import progress

    def shown(title: str, at: "Callable[[], str]") -> "AbstractContextManager[Progress]":
        return progress(title, at=at)

    def tell(said: str) -> None:
        click.echo(said, err=True)

    swapped = await refill_shown(store, settings, name, advance, shown, tell)
    emptied = "emptied; the process that follows fills it again"
    click.echo(f"{name}: {'made anew from the log' if swapped else emptied}", err=True)


def _rebuild(where: "DataLocation", views: "list[View]", *, jobs: int, dry_run: bool) -> "Rebuilt":
    import uvloop

    from app.cli.progress import progress
    from app.cli.work import on_log
    from app.operations.deeds import Recorder
    from app.rebuild import rebuild as rebuilding

    async def work(store: "Connection", keyring: "Keyring") -> "Rebuilt":
        deed = Recorder("rebuild --dry-run" if dry_run else "rebuild")
        at = ""

        def stand_for(positions: str) -> None:
            nonlocal at
            at = positions

        with progress("Comparing" if dry_run else "Rebuilding", at=lambda: at) as advance:
            options = rebuilding.Options(
                jobs=jobs,
                dry_run=dry_run,
                tell=lambda said: click.echo(said, err=True),
                stand_for=stand_for,
            )
            done = await rebuilding.rebuild(store, keyring, views, advance, options)
        await deed.end(store.raw, ", ".join(view.name for view in views), well=not done.damaged)
        return done

    return on_log(where, work, any_version=True, loop=uvloop.new_event_loop)


def _tell(done: "Rebuilt", *, dry_run: bool) -> None:
    for passed in done.passed:
        click.echo(f"Passed over: {passed}", err=True)
    for name, rows in sorted(done.rows.items()):
        wrong = "differ" if dry_run else "of them mended"
        mended = f", {done.mended[name]} {wrong}" if done.mended[name] else ""
        click.echo(f"{name}: {rows} rows from {done.events[name]} events{mended}", err=True)
        if done.mended[name] and dry_run:
            click.echo(f"{name}: streams that differ: {', '.join(done.samples[name])}")
    for damaged in done.damaged:
        click.echo(f"Cannot be rebuilt, and keeps its rows: {damaged}")


def _stop(where: "DataLocation", asked: str) -> None:
    from app.cli.work import on_store
    from app.rebuild.stopping import stop

    async def work(store: "Connection") -> str:
        return await stop(store, asked)

    click.echo(on_store(where, work), err=True)


@click.command()
@click.argument("projections", nargs=-1, required=True, metavar="PROJECTION...")
@on_data
def back(where: "DataLocation", projections: tuple[str, ...]) -> None:
    """Go back to the tables of views before their last rebuild, or to a version that is kept."""
    from app.cli.work import on_log
    from app.operations.deeds import Recorder
    from app.rebuild.swap import go_back

    views = _named(projections)

    async def work(store: "Connection", keyring: "Keyring") -> None:
        deed = Recorder("projections back")
        for view in views:
            events = await go_back(store, keyring, view)
            click.echo(f"{view.projection}: the former one is live, with {events} events", err=True)
        await deed.end(store.raw, ", ".join(view.name for view in views))

    on_log(where, work)


@click.command()
@click.argument("projections", nargs=-1, required=True, metavar="PROJECTION...")
@on_data
def drop(where: "DataLocation", projections: tuple[str, ...]) -> None:
    """Drop former tables and versions of views: there is no way `back` then."""
    from app.cli.work import on_store
    from app.rebuild.swap import drop_former

    views = _named(projections)

    async def work(store: "Connection") -> None:
        for view in views:
            dropped = await drop_former(store, view)
            click.echo(f"{view.projection}: dropped {', '.join(dropped)}", err=True)

    on_store(where, work)


def _named(projections: tuple[str, ...], others: "Sequence[str]" = ()) -> "list[View]":
    """The views of these names; `others`: what else there is for the command."""
    from app.rebuild import rebuild as rebuilding

    try:
        return rebuilding.named(projections)
    except KeyError as error:
        known = ", ".join([*(view.projection for view in rebuilding.named(())), *others])
        raise Refused(f"There is no projection {error}: there are {known}") from error
