"""A worker leaves no connection behind, whatever goes wrong while it begins or ends."""

import asyncio
from typing import Any

import asyncpg
import pytest
from support.in_process import running
from support.patience import patient

from app.auth.attempts import Attempts
from app.database.errors import StoreDown
from app.database.versions import Versions
from app.log.clock import HeadClock
from app.log.log import Log
from app.service import open_service
from app.settings import Settings

ENDS_S = 10.0
OPEN = """
SELECT count(*)
  FROM pg_stat_activity
 WHERE datname = current_database()
   AND application_name LIKE 'sessionary %'
"""


async def no_connection_is_left(owner: asyncpg.Connection) -> None:
    async with asyncio.timeout(patient(ENDS_S)):
        while await owner.fetchval(OPEN):  # a backend takes a moment to notice
            await asyncio.sleep(0.02)


async def down(*_: Any) -> None:
    raise StoreDown("The database does not answer")


async def test_it_cannot_see_which_versions_are_live(
    direct: Settings, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Versions, "look", down)
    with pytest.raises(StoreDown):
        await open_service(direct)
    await no_connection_is_left(owner)


async def test_it_cannot_see_what_time_it_is(
    direct: Settings, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HeadClock, "look", down)
    with pytest.RaisesGroup(StoreDown, allow_unwrapped=True, flatten_subgroups=True):
        async with running(direct):
            pass
    await no_connection_is_left(owner)


@pytest.mark.parametrize(("part", "method"), [(Attempts, "_write"), (Log, "drain")])
async def test_its_last_work_fails(
    direct: Settings, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch,
    part: type, method: str,
) -> None:  # fmt: skip
    service = await open_service(direct)
    assert await owner.fetchval(OPEN) > 0
    monkeypatch.setattr(part, method, down)
    if part is Log:
        with pytest.raises(StoreDown):
            await service.close()
    else:
        await service.close()
    await no_connection_is_left(owner)
