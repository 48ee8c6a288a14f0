"""`operate`: carries out the rebuilds that are asked for over HTTP."""

import logging
from typing import TYPE_CHECKING

import click

from app.cli.options import on_data, option, with_jobs
from app.telemetry.logs import FORMATS, LEVELS, LogForm, configure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from app.history.streams import Progress
    from app.maintenance.store import Connection, DataLocation
    from app.rebuild.rebuild import Rebuilt
    from app.rebuild.runs import Wish

_NAME = "operator"
"""Of the process, in its log lines."""


@click.command()
@with_jobs
@option("--log-format", type=click.Choice(FORMATS), default="text", show_default=True)
@option("--log-level", type=click.Choice(LEVELS), default="info", show_default=True)
@on_data
def operate(where: "DataLocation", jobs: int, log_format: str, log_level: str) -> None:
    """Carry out the rebuilds that are asked for over HTTP, until a signal ends it.

    It runs beside `serve`, by the owner's login, which no worker of the service has. One process
    works at a time; a second one takes over when that ends, and goes on where it was.
    """
    configure(LogForm(log_format, log_level), _NAME)
    import asyncio

    import uvloop

    from app.cli.signals import until_signalled
    from app.maintenance.store import SchemaPermission, database
    from app.rebuild.operator import Manner
    from app.rebuild.operator import operate as carry_out

    with (
        database(where, SchemaPermission.LOOK) as url,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(until_signalled(carry_out(url, where, Manner(jobs, _progress, _recorder))))


def _progress(title: str, at: "Callable[[], str]") -> "Progress":
    from app.cli.progress import Lines

    return Lines(title, "events", at, logging.getLogger("sessionary.operator").info)


def _recorder(wish: "Wish") -> "Callable[[Connection, Rebuilt], Awaitable[None]]":
    """As the command `rebuild` puts its own on record."""
    from app.operations.deeds import Recorder

    deed = Recorder("rebuild --dry-run" if wish.dry_run else "rebuild")

    async def record(store: "Connection", done: "Rebuilt") -> None:
        await deed.end(store.raw, ", ".join(wish.views), well=not done.damaged)

    return record
