"""Builds the versions of views that a release brings, while workers of the release before serve."""

import asyncio
import logging
import time

import asyncpg

from app.cli.talk import say
from app.database import versions
from app.maintenance.keys import keyring_of
from app.maintenance.store import Connection, DataLocation, connected
from app.operations import asks
from app.operations.deeds import Recorder
from app.rebuild.rebuild import Options, rebuild
from app.rebuild.swap import RebuildUnderWay
from projections.view import View

_AGAIN_S = 1.0
_FAILED_S = 10.0
_ASKED_AGAIN_S = 60.0
"""Seconds until an operator process is asked again, should it have failed."""


def bring_live(url: str, where: DataLocation) -> None:
    """Return when this release's versions of all views are live, whatever happens before.

    `url`: by the owner's login, which builds them, or by the service's, which asks an operator
    process for it.
    """
    while True:
        try:
            asyncio.run(_bring_live(url, where))
            return
        except Exception as error:
            # Any error at all: the workers wait, and the next try may succeed.
            words = f"{type(error).__name__}: {' '.join(str(error).split())}"
            say(f"New versions of views are not live: {words}", logging.ERROR)
            time.sleep(_FAILED_S)


async def _bring_live(url: str, where: DataLocation) -> None:
    async with connected(url, where.statement_cache) as store:
        while awaited := await versions.awaited(store.ask):
            names = ", ".join(f"version {view.version} of {view.projection}" for view in awaited)
            try:
                say(f"Building {names}: the release before serves meanwhile")
                await _build(store, where, awaited)
                say(f"Live: {names}")
            except RebuildUnderWay:
                await asyncio.sleep(_AGAIN_S)
            except asyncpg.InsufficientPrivilegeError:
                say(f"Asking an operator process (`sessionary operate`) for {names}")
                await _ask(store, awaited)


async def _build(store: Connection, where: DataLocation, awaited: list[View]) -> None:
    deed = Recorder("rebuild")
    keyring = await keyring_of(store, where)
    done = await rebuild(store, keyring, awaited, lambda *_: None, Options(tell=say))
    await deed.end(store.raw, ", ".join(view.name for view in awaited), well=not done.damaged)
    for damaged in done.damaged:
        say(f"Cannot be rebuilt, and has no row: {damaged}", logging.WARNING)


async def _ask(store: Connection, awaited: list[View]) -> None:
    """Ask an operator process, and wait for a while."""
    names = [view.projection for view in awaited]
    await asks.ask(store, asks.Asked(names=names), asks.Asker("serve", "serve"))
    for _ in range(round(_ASKED_AGAIN_S / _AGAIN_S)):
        if not await versions.awaited(store.ask):
            return
        await asyncio.sleep(_AGAIN_S)
