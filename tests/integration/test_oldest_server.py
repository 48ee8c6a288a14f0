"""The oldest PostgreSQL that Sessionary works on, which plans and compiles in its own way."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from support import database
from support.beside import verify_beside_writers_and_rebuilds
from support.clusters import own_cluster

from app.database.migrate import OLDEST_SERVER
from app.log import read
from app.log.keyring import Keyring
from app.maintenance.store import Connection
from app.service import Service
from app.settings import Settings

PROGRAMS = Path(f"/usr/lib/postgresql/{OLDEST_SERVER}/bin")
"""Where Debian and Ubuntu have it."""

pytestmark = pytest.mark.skipif(
    not (PROGRAMS / "initdb").exists(),
    reason=f"no {PROGRAMS}/initdb: apt-get install postgresql-{OLDEST_SERVER}",
)


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    """A server of that release, in place of the one that the other tests run on."""
    with own_cluster(PROGRAMS) as made:
        made.create()
        with made.started():
            yield made.url()


@pytest.fixture(scope="module")
async def template(server_url: str) -> AsyncIterator[str]:
    """The migrated database that those of the tests are copies of."""
    async with database.migrated(server_url, database.PARTITIONS) as name:
        yield name


@pytest.fixture
def its_template(template: str) -> str:
    """That one."""
    return template


@pytest.fixture
def settings(direct: Settings) -> Settings:
    """Past the pooler, which stands before the server of the other tests."""
    return direct


@pytest.mark.parametrize("events_a_page", [100, 5_000])
async def test_an_operator_can_verify_and_rebuild_beside_writers(
    service: Service,
    store: Connection,
    owner: asyncpg.Connection,
    database_url: str,
    keyring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
    events_a_page: int,
) -> None:
    assert owner.get_server_version().major == OLDEST_SERVER
    monkeypatch.setattr(read, "PAGE_EVENTS", events_a_page)
    await verify_beside_writers_and_rebuilds(service, store, database_url, keyring)
