"""Who signs in to the service, and a service behind a proxy."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from msgspec.structs import replace

from app.ops import users
from app.ops.store import Connection
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
