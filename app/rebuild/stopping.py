"""Asks a running rebuild or refill to pause or to end, and forgets one that does not run."""

from uuid import UUID

from app.maintenance.store import Connection
from app.rebuild import refills, runs, tables
from app.rebuild.swap import alone
from projections import catalog

_PATIENCE_S = 60.0
"""Seconds; the one that works looks after each page, so it needs less."""


async def stop(store: Connection, asked: str) -> str:
    """Ask for `pause` or `cancel`, and wait until it is so; returns what came of it, in words.

    The one that works looks for it after each page. None works after a crash: then what a cancelled
    one has made is dropped here. Raises RebuildUnderWay if the one that works does not look.
    """
    rebuild = await runs.ask(store.raw, asked)
    if rebuild is None:
        return "There is no rebuild to stop"
    async with alone(store, _PATIENCE_S):
        return await _settle(store, rebuild, asked)


async def _settle(store: Connection, rebuild: UUID, asked: str) -> str:
    _, state = await runs.kind_and_state(store.raw, rebuild)
    if asked == "pause":
        return "Paused: `rebuild` goes on" if state in runs.UNFINISHED else f"It is {state} already"
    await settle_cancelled(store, rebuild)
    return "It is live already" if state == "live" else "Cancelled: the tables in use stay"


async def settle_cancelled(store: Connection, rebuild: UUID) -> None:
    """Remove what is left of a cancelled one that nobody works on; needs `alone`."""
    kind, state = await runs.kind_and_state(store.raw, rebuild)
    if state not in (*runs.UNFINISHED, "ready"):
        return
    if kind == "refill":
        await refills.settle_cancelled(store.raw, rebuild)
    else:
        for view in catalog.VIEWS:
            await tables.put_former_back(store.raw, view)
            await tables.drop_fresh(store.raw, view)
        await runs.forget(store.raw)
