"""The only wiring: from settings to an ASGI application."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from litestar import Litestar, Request, Response
from litestar.exceptions import HTTPException

from app.routes import evo, superoffice, system
from app.routes.errors import Refusal, refusal
from app.routes.face import mount
from app.service import Service, open_service
from app.settings import Settings

_PARENT_LOOK_S = 0.25


def create_app(settings: Settings) -> Litestar:
    """The application; it connects when it starts and drains when it stops."""
    opened: list[Service] = []

    def service() -> Service:
        return opened[0]

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        opened.append(await open_service(settings))
        watch = asyncio.create_task(_end_with_parent(os.getppid()))
        try:
            yield
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch
            await opened[0].close()

    faces = ((evo.EvoFace(), evo), (superoffice.SuperOfficeFace(), superoffice))
    return Litestar(
        [
            mount(prefix, face, module.ROUTES, service)
            for face, module in (*faces, (system.SystemFace(), system))
            for prefix in module.PREFIXES
        ],
        lifespan=[lifespan],
        exception_handlers={HTTPException: _unrouted, Exception: _unrouted},
        openapi_config=None,
    )


def _unrouted(request: Request[None, None, None], error: Exception) -> Response[bytes]:
    """What no handler of ours took on, in the shape of the face that the path belongs to."""
    face = (
        superoffice.SuperOfficeFace()
        if request.url.path.lower().startswith("/api/v1/")
        else evo.EvoFace()
    )
    if isinstance(error, HTTPException):
        code = "NotFound" if error.status_code == 404 else "BadRequest"
        refused = Refusal(error.status_code, code, "There is nothing at this path")
    else:
        refused = refusal(error, 1)
    return Response(
        face.error(refused),
        status_code=refused.status,
        media_type="application/json; charset=utf-8",
    )


async def _end_with_parent(parent: int) -> None:
    """End this worker at once when the process that started it was killed.

    An orphan would hold the port, and nobody could stop it.
    """
    while os.getppid() == parent:
        await asyncio.sleep(_PARENT_LOOK_S)
    os._exit(1)
