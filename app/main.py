"""The only wiring: from settings to an ASGI application."""

import asyncio
import gc
import logging
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from litestar import Litestar, Request, Response
from litestar.exceptions import HTTPException

from app.log.pool import Pool
from app.routes.errors import Refusal, refusal
from app.routes.evo import EvoFace
from app.routes.face import Face, mount
from app.routes.pages import PagesFace
from app.routes.superoffice import SuperOfficeFace
from app.routes.system import SystemFace
from app.service import Service, open_service
from app.settings import Settings

_LOG = logging.getLogger("sessionary")
_PARENT_LOOK_S = 0.25
_KEEPER_PAUSE_S = 1.0


def all_faces() -> tuple[Face, ...]:
    """What the service serves; the first one answers where nothing is."""
    return EvoFace(), SuperOfficeFace(), SystemFace(), PagesFace()


def create_app(settings: Settings, faces: Sequence[Face] | None = None) -> Litestar:
    """The application; it connects when it starts and drains when it stops."""
    opened: list[Service] = []

    def service() -> Service:
        return opened[0]

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        opened.append(await open_service(settings))
        _spare_the_collector()
        watches = [asyncio.create_task(_end_with_parent(os.getppid()))]
        if settings.embedded_data_dir is not None:
            keeper = _keep_running(settings.embedded_data_dir, opened[0].pool)
            watches.append(asyncio.create_task(keeper))
        try:
            yield
        finally:
            for watch in watches:
                watch.cancel()
            await asyncio.gather(*watches, return_exceptions=True)
            await opened[0].close()

    return Litestar(
        [mount(all_faces() if faces is None else faces, service)],
        lifespan=[lifespan],
        exception_handlers={Exception: _unrouted},
        openapi_config=None,
    )


def _unrouted(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """What Litestar refuses before any face sees it, such as a Host that is none."""
    if isinstance(error, HTTPException):
        refused = Refusal(error.status_code, "BadRequest", error.detail)
    else:
        _LOG.error("%s failed", request.scope["path"], exc_info=error)
        refused = refusal(error, 1)
    face: Face = (
        SuperOfficeFace()
        if request.scope["path"].lower().startswith(SuperOfficeFace.prefix)
        else EvoFace()
    )
    reply = face.refuse(refused, None)
    return Response(reply.body, status_code=reply.status, media_type=reply.content_type.decode())


def _spare_the_collector() -> None:
    """Let Python's cyclic collector look at what lives long only rarely.

    Folded aggregates live as long as their cache, and requests leave no cycles: with the default
    thresholds the collector took 15 % of a worker's time and most of its slowest answers.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)


async def _end_with_parent(parent: int) -> None:
    """End this worker at once when the process that started it was killed.

    An orphan would hold the port, and nobody could stop it.
    """
    while os.getppid() == parent:
        await asyncio.sleep(_PARENT_LOOK_S)
    os._exit(1)


async def _keep_running(data_dir: Path, pool: Pool) -> None:
    """Bring the embedded PostgreSQL back when it died; it has nobody else to do so."""
    from app.embedded import ensure_running

    while True:
        await pool.failed.wait()
        pool.failed.clear()
        try:
            await asyncio.to_thread(ensure_running, data_dir)
        except Exception as error:
            # Whatever it was: giving up would leave the service without a database for good.
            _LOG.error("The embedded PostgreSQL cannot be brought back: %s", error)
            await asyncio.sleep(_KEEPER_PAUSE_S)
            pool.failed.set()
