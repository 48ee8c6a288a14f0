"""As of a past moment, both faces answer what they answered then, byte for byte."""

import os
from collections.abc import AsyncIterator, Mapping

import asyncpg
import httpx
import pytest
from support.as_of import Caller, Load
from support.database import SEVERAL
from support.in_process import running

from app.maintenance import users
from app.maintenance.store import Connection
from app.settings import Settings

GETS = int(os.environ.get("TEST_AS_OF_GETS", "300"))
LISTS = int(os.environ.get("TEST_AS_OF_LISTS", "60"))
"""Pairs of a question and a moment; 10,000 and 200 take some minutes."""
STEPS_PER_GET = 4
PEOPLE = {"kim": ["SystemAdministrator"], "max": ["Manager"], "audrey": ["Auditor"]}


@pytest.fixture
async def callers(owner: asyncpg.Connection) -> Mapping[str, Caller]:
    store = Connection(owner)
    found: dict[str, Caller] = {}
    for name, roles in PEOPLE.items():
        await users.add(store, name, roles, "right as rain")
        token = await users.give_token(store, name)
        found[name] = {"Authorization": f"Bearer {token}"}
    return found


@pytest.fixture
async def client(
    settings: Settings, callers: Mapping[str, Caller]
) -> AsyncIterator[httpx.AsyncClient]:
    """Calls as an administrator."""
    async with running(settings) as (made, _):
        made.headers.update(callers["kim"])
        yield made


@pytest.mark.parametrize("partitions", [1, SEVERAL], ids=["one", "several"])
async def test_answers_as_of_a_moment_are_those_that_were_given_then(
    settings: Settings, callers: Mapping[str, Caller], partitions: int
) -> None:
    async with running(settings) as (client, service):
        load = Load(client, service.pool, callers, seed=partitions)
        steps = max(1, GETS // STEPS_PER_GET)
        for step in range(steps):
            await load.change()
            lists = (step + 1) * LISTS // steps - step * LISTS // steps
            await load.look(STEPS_PER_GET, lists)
        for asked in load.asked:
            await load.check(asked)
