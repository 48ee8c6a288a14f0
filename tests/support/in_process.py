"""The whole application in the tests' own process, without a socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import httpx

from app.http.path_normaliser import PathNormaliser
from app.main import all_faces, create_app
from app.service import Service
from app.settings import Settings

PASSWORD = "right as rain"


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[tuple[httpx.AsyncClient, Service]]:
    """Calls the whole application without credentials; its service beside it."""
    faces = all_faces()
    app = create_app(settings, faces)
    async with app.lifespan():
        transport = httpx.ASGITransport(app=cast("Any", PathNormaliser(app, faces)))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://test", timeout=60
        ) as made:
            yield made, cast("Any", app).service


@asynccontextmanager
async def calling(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Calls the whole application as `kim`."""
    async with running(settings) as (client, _):
        client.auth = httpx.BasicAuth("kim", PASSWORD)
        yield client
