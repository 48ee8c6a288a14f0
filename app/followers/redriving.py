"""Redrives the quarantine for an operator: by the processes that follow, or else by this one."""

import asyncio
from typing import Any
from uuid import UUID

from msgspec import Struct

from app.followers import activity, history, people, quarantine, reset
from app.followers.follower import Follower
from app.history.followed import own_follower
from app.log.log import Log, open_log
from app.maintenance.store import Connection
from app.settings import Settings
from projections.catalog import VIEWS

WAIT_S = 15.0
"""For a process that follows to try all streams; the lease of a killed one lasts 5 s."""
_PAUSE_S = 0.1


class Redriven(Struct, frozen=True):
    """How many streams were asked to be tried again, and how many wait afterwards."""

    asked: int
    left: int


async def redrive(
    store: Connection, settings: Settings, name: str | None, stream: UUID | None = None
) -> Redriven:
    """Try a stream of a follower again, or all of it, or those of all, and wait for that.

    A projection of the library is only tried while a process runs it. Raises UnknownFollower,
    StoreDown.
    """
    if name is not None:
        await reset.require(store, name)
    asked = await quarantine.ask_redrive(store, name, stream)
    if asked:
        log = await open_log(settings)
        try:
            await _try_all(store, log, name)
        finally:
            await log.pool.close()
    return Redriven(asked, await quarantine.left(store, name, stream))


async def _try_all(store: Connection, log: Log, name: str | None) -> None:
    own: list[Follower[Any, Any]] = []
    if name in (None, history.NAME):
        own.append(history.follower(log, 1.0))
    for view in VIEWS:  # (Of one that has no follower of its own, nothing waits there.)
        if name in (None, own_follower(view.name)):
            own.append(history.follower(log, 1.0, view))
    if name in (None, activity.NAME):
        own.append(activity.follower(log, 1.0))
    if name in (None, people.NAME):
        own.append(people.follower(log, 1.0))
    loop = asyncio.get_running_loop()
    deadline = loop.time() + WAIT_S
    try:
        while await quarantine.unanswered(store, name) and loop.time() < deadline:
            for follower in own:  # does nothing while a service follows
                await follower.round()
            await asyncio.sleep(_PAUSE_S)
    finally:
        for follower in own:
            await follower.stop()
