"""The whole application in the tests' own process, without a socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import httpx

from app.http.path_normaliser import PathNormaliser
from app.main import all_faces, create_app
from app.settings import Settings


@asynccontextmanager
async def calling(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Calls the whole application as `kim`, whose password is `right as rain`."""
    faces = all_faces()
    app = create_app(settings, faces)
    async with app.lifespan():
        transport = httpx.ASGITransport(app=cast("Any", PathNormaliser(app, faces)))
        auth = httpx.BasicAuth("kim", "right as rain")
        async with httpx.AsyncClient(
            transport=transport, auth=auth, base_url="http://test", timeout=60
        ) as made:
            yield made
