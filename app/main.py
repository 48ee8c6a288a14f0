"""From settings to an ASGI application."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.types import (
    ASGIApp,
    LifeSpanReceive,
    LifeSpanScope,
    LifeSpanSend,
    Receive,
    Scope,
    Send,
)

from app.chat.sweeper import ChatSweeper
from app.database.embedded import EmbeddedUnavailable, ensure_running
from app.database.pool import Pool
from app.faces.docs.face import PagesFace
from app.faces.evo.face import EvoFace
from app.faces.superoffice.face import SuperOfficeFace
from app.faces.system import SystemFace
from app.http.route_handler import Face, dispatcher
from app.service import Service, open_service
from app.settings import Settings

_LOG = logging.getLogger("sessionary")
_KEEPER_PAUSE_S = 1.0
_LATER = ("app.faces.evo.list_query", "app.faces.superoffice.lists.chat_list")
"""Imported once the worker serves: they take SQLAlchemy, and that a third of a start."""


def all_faces() -> tuple[Face, ...]:
    """What the service serves."""
    return EvoFace(), SuperOfficeFace(), SystemFace(), PagesFace()


def create_app(settings: Settings, faces: Sequence[Face] | None = None) -> Litestar:
    """The application; it connects when it starts and drains when it stops."""
    opened: list[Service] = []

    def service() -> Service:
        return opened[0]

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        opened.append(await open_service(settings))
        await opened[0].commands.clock.look()
        _spare_the_collector()
        watches = [asyncio.create_task(asyncio.to_thread(import_later))]
        if settings.embedded_data_dir is not None:
            keeper = _keep_running(settings.embedded_data_dir, opened[0].pool)
            watches.append(asyncio.create_task(keeper))
        if settings.customer_timeout_s > 0:
            sweeper = ChatSweeper(opened[0].pool, opened[0].chat, settings)
            watches.append(asyncio.create_task(sweeper.keep_sweeping()))
        try:
            yield
        finally:
            for watch in watches:
                watch.cancel()
            await asyncio.gather(*watches, return_exceptions=True)
            await opened[0].close()

    return Application(
        dispatcher(all_faces() if faces is None else faces, service),
        lifespan=[lifespan],
        openapi_config=None,
    )


class Application(Litestar):
    """Litestar with the faces in front of its router.

    The router would look for every path a second time, and more: 14 of the 150 µs that a request
    takes. Life cycle, and whatever is no HTTP, are Litestar's.
    """

    def __init__(self, dispatch: ASGIApp, **options: Any) -> None:  # noqa: ANN401  # Litestar's own
        """`options` are those of Litestar."""
        super().__init__(**options)
        self._dispatch = dispatch

    async def __call__(
        self,
        scope: Scope | LifeSpanScope,
        receive: Receive | LifeSpanReceive,
        send: Send | LifeSpanSend,
    ) -> None:
        """Answer a request, or go through a phase of life."""
        if scope["type"] == ScopeType.HTTP:
            await self._dispatch(cast("Scope", scope), cast("Receive", receive), cast("Send", send))
        else:
            await super().__call__(scope, receive, send)


def import_later() -> None:
    """Import what a first list would otherwise wait for; done beside the first requests."""
    for name in _LATER:
        import_module(name)


def _spare_the_collector() -> None:
    """Let Python's cyclic collector look at what lives long only rarely.

    Folded aggregates live as long as their cache, and requests leave no cycles: with the default
    thresholds the collector took 15 % of a worker's time and most of its slowest answers.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)


async def _keep_running(data_dir: Path, pool: Pool) -> None:
    """Bring the embedded PostgreSQL back when it died; it has nobody else to do so."""
    while True:
        await pool.failed.wait()
        pool.failed.clear()
        try:
            await asyncio.to_thread(ensure_running, data_dir)
        except Exception as error:
            # Whatever it was: giving up would leave the service without a database for good.
            fault = not isinstance(error, EmbeddedUnavailable)
            _LOG.error("The embedded PostgreSQL cannot be brought back: %s", error, exc_info=fault)
            await asyncio.sleep(_KEEPER_PAUSE_S)
            pool.failed.set()
