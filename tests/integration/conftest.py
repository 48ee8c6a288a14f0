"""What some of these tests share: who signs in, lists that nobody changes, a clock for chats."""

import secrets
from collections.abc import AsyncIterator

import asyncpg
import pytest
from msgspec.structs import replace
from support import database
from support.chat_rows import SAMPLES, insert
from support.chats import Clock, chat_by

from app.chat.service import Chat
from app.database.pool import Pool
from app.maintenance import users
from app.maintenance.store import Connection
from app.queries.views import Views
from app.service import Service, open_service
from app.settings import Settings


@pytest.fixture
async def people(owner: asyncpg.Connection) -> None:
    """Kim may do everything, Max is a manager and Pat a customer; each password is `right`."""
    store = Connection(owner)
    await users.add(store, "kim", ["SystemAdministrator"], "right")
    await users.add(store, "max", ["Manager"], "right")
    await users.add(store, "pat", ["Customer"], "right")


@pytest.fixture
async def behind_proxy(settings: Settings) -> AsyncIterator[Service]:
    """A worker that believes its proxy, and another's page."""
    opened = await open_service(
        replace(settings, behind_proxy=True, allowed_origins=frozenset({"https://app.example"}))
    )
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
async def samples(server_url: str, template: str) -> AsyncIterator[Views]:
    """The lists of a database that holds SAMPLES and that nobody changes."""
    name = f"sessionary_test_{secrets.token_hex(8)}"
    async with database.created(server_url, name, template) as url:
        owner = await asyncpg.connect(url)
        await insert(owner, SAMPLES)
        await owner.close()
        pool = Pool(Settings(database_url=url, master_key=database.MASTER_KEY))
        yield Views(pool, pool, batch=1)
        await pool.close()


@pytest.fixture
def clock() -> Clock:
    """Stands still at noon until told otherwise."""
    return Clock()


@pytest.fixture
def chat(service: Service, clock: Clock) -> Chat:
    """The service's chat, by that clock."""
    return chat_by(service, clock)
