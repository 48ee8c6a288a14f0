"""Runs a projection of the library as a follower of the log."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any, get_args, get_origin

from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection
from eventsourcing.utils import Environment

from app.followers import names
from app.followers.follower import Follower
from app.followers.library.factory import DATABASE_URL, LogFactory
from app.followers.library.projecting import ProjectionWork
from app.followers.names import UnusableProjection
from app.followers.pace import Pace
from app.log.audited import read_on
from app.log.log import open_log
from app.settings import Settings
from domain.stored import EVENTS

_PAUSE_S = 0.1
ProjectionClass = type[Projection[Any]]
ViewClass = type[PostgresTrackingRecorder]


def named(path: str, view_path: str | None = None) -> tuple[ProjectionClass, ViewClass]:
    """The projection at `MODULE:CLASS`, and the class of its view.

    That is the one in `Projection[VIEW]`, unless it is named, too. Raises UnusableProjection.
    """
    projection = _found(path)
    if not (isinstance(projection, type) and issubclass(projection, Projection)):
        raise UnusableProjection(f"{path} is no class of eventsourcing.projection.Projection")
    unknown = sorted(set(projection.topics) - set(EVENTS))
    if unknown:
        known = ", ".join(sorted(EVENTS))
        raise UnusableProjection(f"{path} asks for {', '.join(unknown)}; there are {known}")
    names.checked(projection.name)
    view = _view_of(projection) if view_path is None else _found(view_path)
    if not (isinstance(view, type) and issubclass(view, PostgresTrackingRecorder)):
        raise UnusableProjection(
            f"The view of {path} is {view!r}, and is to be a class of "
            "eventsourcing.postgres.PostgresTrackingRecorder: --view MODULE:CLASS names another"
        )
    return projection, view


async def keep_projecting(settings: Settings, projection: ProjectionClass, view: ViewClass) -> None:
    """Follow the log until cancelled, whenever no other process does."""
    async with opened(settings, projection, view) as follower:
        await follower.keep_following()


async def catch_up(settings: Settings, projection: ProjectionClass, view: ViewClass) -> None:
    """Return once all is taken up that is in the log, by this process or by another.

    Raises StoreDown.
    """
    async with opened(settings, projection, view) as follower:
        while await follower.round() or await follower.behind():
            await asyncio.sleep(_PAUSE_S)


@asynccontextmanager
async def opened(
    settings: Settings, projection: ProjectionClass, view: ViewClass
) -> AsyncIterator[Follower[Any, Any]]:
    """A follower that runs a projection; its tables are made, and it is seen as one from now on."""
    log = await open_log(settings)
    log.pool.on_connect = log.incarnation.check
    looking = asyncio.create_task(log.incarnation.keep_looking(log.pool.ask))
    factory = LogFactory(Environment(projection.name, {DATABASE_URL: settings.database_url}))
    try:
        tracking = await asyncio.to_thread(factory.tracking_recorder, view)
        work = ProjectionWork(projection(tracking))
        await asyncio.to_thread(work.register)
        follower = Follower(log.pool, log.keyring, work, Pace(1.0, lambda: 0), read_on)
        yield follower
        await follower.stop()
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        await asyncio.to_thread(factory.close)
        await log.pool.close()


def _found(path: str) -> object:
    module, colon, name = path.partition(":")
    try:
        if not colon:
            raise ImportError("it has the form MODULE:CLASS")
        found: object = import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise UnusableProjection(f"{path} cannot be imported: {error}") from error
    return found


def _view_of(projection: ProjectionClass) -> object:
    for base in projection.__mro__:
        for generic in base.__dict__.get("__orig_bases__", ()):
            origin = get_origin(generic)
            if isinstance(origin, type) and issubclass(origin, Projection):
                return get_args(generic)[0]
    return None
