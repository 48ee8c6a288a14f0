"""`operate`: carries out the rebuilds, and what else is asked for over HTTP."""

import logging
from typing import TYPE_CHECKING

import click

from app.cli.options import on_data, option, with_jobs
from app.telemetry.logs import FORMATS, LEVELS, LogForm, configure

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from uuid import UUID

    from app.history.streams import Progress
    from app.maintenance.store import Connection, DataLocation
    from app.rebuild.operator import Manner, Record
    from app.rebuild.refills import Advance
    from app.settings import Settings

_NAME = "operator"
"""Of the process, in its log lines."""


@click.command()
@with_jobs
@option("--log-format", type=click.Choice(FORMATS), default="text", show_default=True)
@option("--log-level", type=click.Choice(LEVELS), default="info", show_default=True)
@on_data
def operate(where: "DataLocation", jobs: int, log_format: str, log_level: str) -> None:
    """Carry out the rebuilds, ways back and redrives that are asked for over HTTP or on pages.

    It runs beside `serve`, by the owner's login, which no worker of the service has. One process
    works at a time; a second one takes over when that ends, and goes on where it was.
    """
    configure(LogForm(log_format, log_level), _NAME)
    import asyncio

    import uvloop

    from app.cli.signals import until_signalled
    from app.maintenance.store import SchemaPermission, database
    from app.rebuild.operator import operate as carry_out

    with (
        database(where, SchemaPermission.LOOK) as url,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(until_signalled(carry_out(url, where, _manner(url, where, jobs))))


def _progress(title: str, at: "Callable[[], str]") -> "Progress":
    from app.cli.progress import Lines

    return Lines(title, "events", at, logging.getLogger("sessionary.operator").info)


def _manner(url: str, where: "DataLocation", jobs: int) -> "Manner":
    from contextlib import nullcontext

    from app.care.refilling import refill_shown
    from app.followers.redriving import redrive
    from app.maintenance.store import SchemaPermission, prepare
    from app.rebuild.operator import Manner

    async def settings() -> "Settings":
        # (The master key may be another one than before.)
        _, key = await prepare(url, where, SchemaPermission.LOOK)
        return where.settings(url, key)

    async def tried(store: "Connection", name: str, stream: "UUID | None") -> tuple[int, int]:
        done = await redrive(store, await settings(), name, stream)
        return done.asked, done.left

    async def refilled(store: "Connection", name: str, advance: "Advance") -> None:
        def tell(said: str) -> None:
            logging.getLogger("sessionary.operator").info("%s: %s", name, said)

        def shown(title: str, at: "Callable[[], str]") -> "AbstractContextManager[Progress]":
            return nullcontext(_progress(title, at))

        await refill_shown(store, await settings(), name, advance, shown, tell)

    return Manner(jobs, _progress, _recorder, refilled, tried)


def _recorder(command: str) -> "Record":
    """As a command puts its own on record."""
    from app.operations.deeds import Recorder

    deed = Recorder(command)

    async def record(store: "Connection", outcome: str, well: bool) -> None:
        await deed.end(store.raw, outcome, well=well)

    return record
