"""The whole application in the tests' own process, without a socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from litestar.types import Scope

from app.main import create_app
from app.settings import Settings


@asynccontextmanager
async def calling(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Calls the whole application as `kim`, whose password is `right`."""
    app = create_app(settings)

    async def asgi(scope: Scope, receive: object, send: object) -> None:
        await app(scope, receive, send)  # type: ignore[arg-type]

    async with app.lifespan():
        transport = httpx.ASGITransport(app=asgi)  # type: ignore[arg-type]
        auth = httpx.BasicAuth("kim", "right")
        async with httpx.AsyncClient(
            transport=transport, auth=auth, base_url="http://test", timeout=60
        ) as made:
            yield made
