"""Several worker processes over one log: every read sees every acknowledged write."""

import asyncio
import random
from collections.abc import Iterator

import asyncpg
import httpx
import pytest

from acceptance.service_process import ADMIN, ServiceProcess, no_difference
from acceptance.service_process import service as running_service

CONNECTIONS = 64
ROUNDS = 6
CHAT = "/api/v1/ChatSession"


@pytest.fixture(scope="module")
def pair() -> Iterator[ServiceProcess]:
    """A service with two workers."""
    with running_service("--workers=2") as served:
        yield served
        assert served.stop() == 0, served.log


@pytest.fixture(scope="module")
async def clients(pair: ServiceProcess) -> Iterator[list[httpx.AsyncClient]]:
    """One connection each, open from the first request on; the kernel picks their workers."""
    limits = httpx.Limits(max_connections=1)
    made = [
        httpx.AsyncClient(base_url=pair.base_url, auth=ADMIN, limits=limits, timeout=30.0)
        for _ in range(CONNECTIONS)
    ]
    await asyncio.gather(*(client.get("/health/live") for client in made))
    yield made  # type: ignore[misc]
    for client in made:
        await client.aclose()
