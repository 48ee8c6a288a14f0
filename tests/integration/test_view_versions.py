"""A later version of a view than this release has is live: this one neither reads nor writes."""

import asyncio
from pathlib import Path

import asyncpg
import pytest
from support import given
from support.database import service_url
from support.in_process import PASSWORD, running
from support.patience import patient

from app.cli import new_versions
from app.database import versions
from app.database.errors import Superseded
from app.followers import history
from app.maintenance import users
from app.maintenance.store import Connection, DataLocation, connected
from app.operations import rebuilds
from app.operations.projections import projections
from app.service import Service
from app.settings import Settings
from projections import account_info

SUPERSEDED = "ALTER TABLE ai_session_info RENAME TO ai_session_info_old"
LATER = "INSERT INTO view_version (view, version) VALUES ('ai_session_info', 2)"


async def test_a_worker_of_the_release_before_can_neither_write_nor_read(
    service: Service, owner: asyncpg.Connection
) -> None:
    session = given.session_of(await given.open_ai_session(service))
    before = await owner.fetchval("SELECT position FROM log_partition")
    await owner.execute(SUPERSEDED)
    for attempt in (
        given.open_ai_session(service),
        given.patch_ai_session(service, session, "other"),
        given.patch_ai_session(service, session, None),
    ):
        with pytest.raises(Superseded):
            await attempt
    assert await owner.fetchval("SELECT position FROM log_partition") == before
    await given.open_account(service)  # other views are as before


async def test_it_answers_503_and_is_not_ready(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    await users.add(Connection(owner), "kim", ["SystemAdministrator"], PASSWORD)
    async with running(settings) as (client, service):
        made = await client.post("/ai/sessions", json={}, auth=("kim", PASSWORD))
        path = f"/ai/sessions/{made.json()['id']}"
        await owner.execute(SUPERSEDED)
        refused = await client.get(path, auth=("kim", PASSWORD))
        assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
        await owner.execute(LATER)
        async with asyncio.timeout(patient(10.0)):
            while service.versions.halted is None:
                await asyncio.sleep(0.02)
        ready = await client.get("/health/ready")
        assert ready.status_code == 503
        assert "version 2 of ai_session_info is live" in ready.text
        other = await client.get("/accounts", auth=("kim", PASSWORD))
        assert other.status_code == 503


async def test_its_follower_leaves_the_histories_to_the_newer_release(
    service: Service, owner: asyncpg.Connection
) -> None:
    await given.open_ai_session(service)
    await owner.execute("DROP TABLE ai_session_info_history")
    follower = history.follower(service.log, 1.0)
    await follower.try_round()
    assert await owner.fetchval("SELECT coalesce(sum(position), 0) FROM follower_checkpoint") == 0
    assert await owner.fetchval("SELECT until <= now() FROM lease WHERE name = 'follow_history'")


async def test_a_service_without_the_owners_login_asks_an_operator_process(
    service: Service, database_url: str, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    view, looks = account_info.VIEW, 0

    async def awaited(_: versions.Ask) -> list[object]:
        nonlocal looks
        looks += 1
        return [view] if looks == 1 else []

    async def not_allowed(*_: object) -> None:
        async with connected(service_url(database_url)) as store:
            await store.raw.execute("CREATE TABLE account_info_new ()")

    monkeypatch.setattr(versions, "awaited", awaited)
    monkeypatch.setattr(new_versions, "_build", not_allowed)
    where = DataLocation(database_url=None, data_dir=Path("/nowhere"))
    await new_versions._bring_live(service_url(database_url), where)
    (found,) = await rebuilds.rebuilds(service.pool)
    assert (found.projections, found.state, found.asked_by) == (
        ["account_info"], "waiting", "serve",
    )  # fmt: skip


async def test_versions_are_shown(store: Connection, owner: asyncpg.Connection) -> None:
    assert {each.version for each in await projections(store)} == {1}
    await owner.execute(LATER)
    assert await versions.why_halted(store.ask) is not None
    assert await versions.awaited(store.ask) == []
