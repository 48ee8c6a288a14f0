"""A service whose way to its database can be cut; a failed test shows what it had said."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from support import database
from support.patience import patient
from support.place import Place, place
from support.proxy import Proxy
from support.proxy import proxy as proxy_before
from support.reporting import pytest_runtest_makereport as pytest_runtest_makereport
from support.service_process import (
    ADMIN,
    ServiceProcess,
    data_directory,
    end,
    free_port,
    with_log,
)

from app.database.embedded import running, service_url
from app.maintenance import key_file

CHAT = "/api/v1/ChatSession"


@pytest.fixture(scope="module")
async def store(server_url: str, template: str) -> AsyncIterator[str]:
    """A migrated database for this module."""
    name = f"sessionary_test_{uuid4().hex}"
    async with database.created(server_url, name, template) as url:
        yield url


@pytest.fixture(scope="module")
async def proxy(store: str) -> AsyncIterator[Proxy]:
    """What stands between the service and its database."""
    async with proxy_before(store, free_port()) as between:
        yield between


@pytest.fixture(scope="module")
async def service(proxy: Proxy) -> AsyncIterator[ServiceProcess]:
    """A service that reaches its database through the proxy."""
    with data_directory() as folder:
        key_file = Path(folder, "master.key")
        database.write_master_key(key_file)
        started = ServiceProcess(
            folder / "data",
            *database.logins(proxy.url),
            f"--master-key-file={key_file}",
            "--allow-unsafe-database",
        )
        try:
            await asyncio.to_thread(started.start)
            yield started
            assert await asyncio.to_thread(started.stop) == 0, started.log
        finally:
            await asyncio.to_thread(end, started)


@pytest.fixture(scope="module")
async def client(service: ServiceProcess) -> AsyncIterator[httpx.AsyncClient]:
    """Calls the service as its administrator."""
    async with httpx.AsyncClient(
        base_url=service.base_url, auth=ADMIN, timeout=patient(60.0)
    ) as made:
        yield made


@pytest.fixture
async def sessions(client: httpx.AsyncClient) -> tuple[str, str]:
    """A fresh session of each face."""
    one = await client.post("/ai/sessions", json={"purpose": "before"})
    other = await client.post(CHAT, json={"CustomerAlias": "before"})
    return f"/ai/sessions/{one.json()['id']}", f"{CHAT}/{other.json()['ChatSessionId']}"


@pytest.fixture(scope="module")
def embedded_dir() -> Iterator[Path]:
    """A data directory as `migrate` makes it; the login of its service is made by `serve`."""
    with data_directory() as folder:
        yield with_log(folder / "data")


@pytest.fixture(scope="module", params=["suite", "embedded"])
async def there(
    request: pytest.FixtureRequest, server_url: str, template: str, embedded_dir: Path
) -> AsyncIterator[Place]:
    """The suite's database, and the embedded one."""
    if request.param == "suite":
        name = f"sessionary_test_{uuid4().hex}"
        async with (
            database.created(server_url, name, template) as url,
            place(url, database.service_url(url), database.MASTER_KEY) as made,
        ):
            yield made
        return
    with running(embedded_dir) as url:
        key = key_file.read(embedded_dir / "master.key")
        async with place(url, service_url(embedded_dir), key) as made:
            yield made
