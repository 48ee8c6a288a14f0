"""A follower's tables are made anew beside those in use, and swapped in at the end."""

from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest
from support import given
from support.database import ONE_PARTITION
from support.histories import assert_equal_to_the_log, catch_up, follower, kept, mixed

from app.care import refilling
from app.care.refilling import RefillFailed, refill
from app.followers import activity, people, reset
from app.followers import follower as following
from app.history.followed import reached
from app.maintenance.store import Connection
from app.rebuild.refills import Advance
from app.rebuild.runs import Done, RebuildStopped
from app.service import Service
from app.settings import Settings

THERE = "SELECT to_regnamespace('sessionary_refill') IS NOT NULL"
SHAPE = """
SELECT c.relname, c.relacl::text, c.reloptions, c.relreplident, pg_get_userbyid(c.relowner),
       ARRAY(SELECT pg_get_indexdef(i.indexrelid) FROM pg_index AS i
              WHERE i.indrelid = c.oid ORDER BY 1),
       ARRAY(SELECT pg_get_constraintdef(k.oid) FROM pg_constraint AS k
              WHERE k.conrelid = c.oid ORDER BY 1)
  FROM pg_class AS c
 WHERE c.oid = $1::text::regclass
"""


async def never_mind(_: Sequence[Done]) -> None:
    return None


def left_of(places: Sequence[Done]) -> int:
    return sum(each.until - each.events for each in places)


@pytest.fixture
def by_owner(settings: Settings, database_url: str) -> Settings:
    from msgspec.structs import replace

    return replace(settings, database_url=database_url)


@pytest.fixture
def in_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "BATCH_EVENTS", 3)
    monkeypatch.setattr(following, "TURN_BATCHES", 1)
    monkeypatch.setattr(refilling, "NEAR_EVENTS", 0)


async def all_caught_up(service: Service) -> None:
    await catch_up(service)
    for kind in (activity, people):
        each: Any = kind.follower(service.log, 1.0)
        while await each.behind():
            await each.round()
        await each.stop()


async def contents(owner: asyncpg.Connection, tables: Sequence[str]) -> dict[str, list[str]]:
    return {
        table: sorted(row[0] for row in await owner.fetch(f"SELECT t::text FROM {table} AS t"))
        for table in tables
    }


async def oids(owner: asyncpg.Connection, tables: Sequence[str]) -> list[int]:
    return [await owner.fetchval("SELECT $1::text::regclass::oid", table) for table in tables]


@pytest.mark.usefixtures("in_small_steps")
@pytest.mark.parametrize("name", ["history", "activity", "people"])
async def test_they_are_as_before_and_never_empty_meanwhile(
    service: Service, owner: asyncpg.Connection, store: Connection, by_owner: Settings, name: str
) -> None:
    await mixed(service, 3, 6)
    await all_caught_up(service)
    tables = await reset.tables(store, name)
    before, first = await contents(owner, tables), await oids(owner, tables)
    shapes = [await owner.fetch(SHAPE, table) for table in tables]
    lefts: list[int] = []

    seen: list[Sequence[Done]] = []

    async def look(places: Sequence[Done]) -> None:
        seen.append(places)
        lefts.append(left_of(places))
        assert await contents(owner, tables) == before

    assert any(before.values())
    assert await refill(store, by_owner, name, look)
    assert (lefts[0] > 0, lefts[-1]) == (True, 0)
    ends = sorted(map(tuple, await owner.fetch("SELECT partition, position FROM log_partition")))
    assert [(each.partition, each.events) for each in seen[-1]] == ends
    assert lefts == sorted(set(lefts), reverse=True)
    assert await contents(owner, tables) == before
    assert [await owner.fetch(SHAPE, table) for table in tables] == shapes
    assert not set(first) & set(await oids(owner, tables))
    assert await owner.fetchval(THERE) is False
    assert "refill" not in await store.raw.fetchval("SHOW search_path")
    await mixed(service, 4, 3)
    await all_caught_up(service)
    await assert_equal_to_the_log(service, owner)


@pytest.mark.usefixtures("in_small_steps")
@ONE_PARTITION
async def test_it_goes_on_where_a_process_was_killed(
    service: Service, owner: asyncpg.Connection, store: Connection, by_owner: Settings
) -> None:
    class Killed(BaseException):
        pass

    lefts: list[int] = []

    def after(count: int, then: BaseException) -> Advance:
        async def look(places: Sequence[Done]) -> None:
            lefts.append(left_of(places))
            if len(lefts) == count:
                raise then

        return look

    await mixed(service, 5, 6)
    await catch_up(service)
    before, whole = await kept(owner), sum(await reached(service.pool))
    with pytest.raises(Killed):
        await refill(store, by_owner, "history", after(3, Killed()))
    assert await owner.fetchval(THERE) is True
    assert await kept(owner) == before
    await mixed(service, 6, 3)  # the service goes on meanwhile
    await catch_up(service)
    assert await refill(store, by_owner, "history", after(-1, Killed()))
    assert whole > lefts[0] > lefts[2] > 0
    assert lefts[3] < sum(await reached(service.pool)) - (whole - lefts[2])
    await assert_equal_to_the_log(service, owner)


@pytest.mark.usefixtures("in_small_steps")
async def test_one_that_is_cancelled_leaves_nothing(
    service: Service, owner: asyncpg.Connection, store: Connection, by_owner: Settings
) -> None:
    async def stop(_: Sequence[Done]) -> None:
        raise RebuildStopped("cancel")

    await mixed(service, 7, 3)
    await catch_up(service)
    first = await oids(owner, await reset.tables(store, "history"))
    with pytest.raises(RebuildStopped):
        await refill(store, by_owner, "history", stop)
    assert await owner.fetchval(THERE) is False
    assert await oids(owner, await reset.tables(store, "history")) == first


async def test_tables_that_others_depend_on_stay(
    service: Service, owner: asyncpg.Connection, store: Connection, by_owner: Settings
) -> None:
    await mixed(service, 8, 3)
    await all_caught_up(service)
    await owner.execute("CREATE VIEW busy AS SELECT * FROM activity")
    first = await oids(owner, await reset.tables(store, "activity"))
    with pytest.raises(RefillFailed, match="view busy depends on table activity"):
        await refill(store, by_owner, "activity", never_mind)
    assert await owner.fetchval(THERE) is False
    assert await oids(owner, await reset.tables(store, "activity")) == first
    await owner.execute("DROP VIEW busy")


async def test_a_follower_at_work_notices_and_what_can_be_read_again_leaves_the_quarantine(
    service: Service, owner: asyncpg.Connection, store: Connection, by_owner: Settings
) -> None:
    made = await given.open_ai_session(service)
    keys = await owner.fetch("DELETE FROM stream_key RETURNING *")
    work = follower(service)
    await work.round()
    assert await owner.fetchval("SELECT count(*) FROM quarantine WHERE follower = 'history'") > 0
    await owner.executemany("INSERT INTO stream_key VALUES ($1, $2, $3)", map(tuple, keys))
    assert await refill(store, by_owner, "history", never_mind)
    assert await owner.fetchval("SELECT count(*) FROM quarantine WHERE follower = 'history'") == 0
    await given.patch_ai_session(service, given.session_of(made), "later")
    for _ in range(3):
        await work.round()
    await work.stop()
    assert await owner.fetchval("SELECT count(*) FROM quarantine WHERE follower = 'history'") == 0
    await assert_equal_to_the_log(service, owner)


async def test_a_long_reader_is_in_the_way_and_named(
    service: Service, owner: asyncpg.Connection, store: Connection, by_owner: Settings,
    monkeypatch: pytest.MonkeyPatch, database_url: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(refilling, "LOCK_WAITS_MS", (10, 10))
    await mixed(service, 9, 2)
    await catch_up(service)
    before = await kept(owner)
    reader = await asyncpg.connect(database_url)
    async with reader.transaction():
        await reader.fetch("SELECT count(*) FROM event_index")
        with pytest.raises(RefillFailed, match="in use by a long transaction"):
            await refill(store, by_owner, "history", never_mind)
    await reader.close()
    assert await kept(owner) == before


async def test_what_is_erased_meanwhile_is_taken_up_before_the_swap(
    service: Service, owner: asyncpg.Connection, store: Connection, by_owner: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(following, "BATCH_EVENTS", 3)
    monkeypatch.setattr(following, "TURN_BATCHES", 1)
    await mixed(service, 10, 4)
    await catch_up(service)
    await owner.execute("ALTER TABLE stored_events DISABLE TRIGGER USER")
    await owner.execute(
        "UPDATE stored_events SET topic = 'ai_session.personal_data_erased.v1'"
        " WHERE notification_id = (SELECT max(notification_id) FROM stored_events)"
    )
    await owner.execute("ALTER TABLE stored_events ENABLE TRIGGER USER")
    lefts: list[int] = []

    async def look(places: Sequence[Done]) -> None:
        lefts.append(left_of(places))

    assert await refill(store, by_owner, "activity", look)
    assert lefts[0] > 0
    assert lefts[-1] == 0
