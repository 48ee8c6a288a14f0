"""What becomes of a connection whose statement was given up."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import asyncpg
import pytest
from msgspec.structs import replace
from support import given
from support.proxy import Proxy
from support.proxy import proxy as proxy_before
from support.service_process import free_port

from app.database.errors import StoreDown
from app.database.places import NoPlace, Places
from app.database.pool import Pool
from app.service import Service
from app.settings import Settings

PATIENCE_S = 60.0
OURS = """
SELECT count(*)
  FROM pg_stat_activity
 WHERE datname = current_database()
   AND starts_with(application_name, 'sessionary ')
"""


@pytest.fixture
def hasty(direct: Settings) -> Settings:
    """Gives up as soon as the service does; the backends that are counted are its own."""
    return replace(direct, store_deadline_s=1.5)


@pytest.fixture
async def pool(hasty: Settings) -> AsyncIterator[Pool]:
    opened = Pool(hasty)
    yield opened
    await opened.close()


class Connecting(NamedTuple):
    """A statement that waits for its connection."""

    places: Places
    task: asyncio.Task[Any]
    may: asyncio.Event
    made: list[asyncpg.Connection]


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not await true():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def give_up_all(pool: Pool, sql: str) -> None:
    """Until every place of those who write is held."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            await pool.fetch(sql, timeout_s=0.3)
        except NoPlace:
            return
        except TimeoutError:
            continue
    pytest.fail("not all are held")


async def test_a_write_that_is_given_up_goes_on_and_keeps_its_place(
    pool: Pool, hasty: Settings, owner: asyncpg.Connection
) -> None:
    await give_up_all(pool, "SELECT pg_sleep(300)")
    for _ in range(20):
        with pytest.raises(NoPlace):
            await pool.fetch("SELECT 1")
        with pytest.raises(StoreDown):
            await pool.ask("SELECT 1", writes=True)
    assert (await pool.ask("SELECT 1 AS one"))[0]["one"] == 1
    assert await owner.fetchval(OURS) == hasty.pool_writers + 1
    await owner.execute(
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(300)'"
    )

    async def free() -> bool:
        try:
            return bool(await pool.fetch("SELECT 1"))
        except NoPlace:
            return False

    await until(free)
    assert pool.writes.cause is None


async def test_a_caller_who_goes_away_leaves_its_write_to_be_done(
    pool: Pool, owner: asyncpg.Connection
) -> None:
    await owner.execute("CREATE TABLE done (number integer)")
    await owner.execute("GRANT INSERT ON done TO sessionary_service")
    write = "INSERT INTO done SELECT 1 FROM pg_sleep(0.3)"
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(pool.fetch(write), 0.1)

    async def done() -> bool:
        return bool(await owner.fetchval("SELECT count(*) FROM done"))

    await until(done)


async def test_readers_that_give_up_leave_no_backend_at_work(
    pool: Pool, hasty: Settings, owner: asyncpg.Connection
) -> None:
    asked = [pool.ask("SELECT pg_sleep(30)") for _ in range(2 * hasty.pool_size)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(answer) for answer in answers} == {StoreDown}

    async def few() -> bool:
        return int(await owner.fetchval(OURS)) <= hasty.pool_size

    await until(few)
    assert (await pool.ask("SELECT 1 AS one"))[0]["one"] == 1


async def test_who_waits_for_a_lock_does_not_get_it_when_its_caller_gave_up(
    pool: Pool, owner: asyncpg.Connection
) -> None:
    await owner.execute("CREATE TABLE done (number integer)")
    await owner.execute("GRANT INSERT ON done TO sessionary_service")
    async with owner.transaction():
        await owner.execute("LOCK TABLE done")
        with pytest.raises(StoreDown):
            await pool.ask("INSERT INTO done VALUES (1)", writes=True)
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"

        async def none_waits() -> bool:
            return not await owner.fetchval(waiting)

        await until(none_waits)
    assert await owner.fetchval("SELECT count(*) FROM done") == 0


@pytest.fixture
async def between(direct: Settings) -> AsyncIterator[Proxy]:
    """What stands between the pool and the database."""
    async with proxy_before(direct.database_url, free_port()) as proxy:
        yield proxy


async def test_answers_that_are_lost_for_ever_cost_their_places_only_for_seconds(
    between: Proxy, hasty: Settings, owner: asyncpg.Connection
) -> None:
    pool = Pool(replace(hasty, database_url=between.url))
    try:
        between.lose_replies(b"pg_sleep(0)")
        await give_up_all(pool, "SELECT pg_sleep(0)")
        between.lose_nothing_more()

        async def free() -> bool:
            try:
                return bool(await pool.fetch("SELECT 1"))
            except TimeoutError:
                return False

        await until(free)
        assert int(await owner.fetchval(OURS)) <= hasty.pool_size
    finally:
        await pool.close()


async def test_a_silent_network_is_noticed_by_the_socket(between: Proxy, hasty: Settings) -> None:
    pool = Pool(replace(hasty, database_url=between.url, store_deadline_s=10.0))
    await pool.fetch("SELECT 1")
    connection: Any = pool._writing._take()
    found = connection._transport.get_extra_info("socket")
    assert found.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    assert found.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 5_000
    connection.terminate()
    await pool.close()


async def test_an_append_that_finds_room_makes_ready_beside_a_dump(
    service: Service, owner: asyncpg.Connection
) -> None:
    service.pool.disk_full = 1
    async with owner.transaction():
        await owner.execute("LOCK TABLE room IN ACCESS SHARE MODE")  # as pg_dump does to its end
        await given.open_ai_session(service)
        assert await service.unready() is None


@asynccontextmanager
async def connecting(settings: Settings) -> AsyncIterator[Connecting]:
    """A statement that waits for its connection, which is not made before `may` is set."""
    came, may, made = asyncio.Event(), asyncio.Event(), list[asyncpg.Connection]()

    async def connect(_: Places) -> asyncpg.Connection:
        came.set()
        await may.wait()
        made.append(await asyncpg.connect(settings.database_url))
        return made[0]

    before = asyncio.all_tasks()
    places = Places(1, {}, ending=True, holding=False)
    asked = places.carry_out(connect, lambda _: True, "SELECT 1 AS one", (), 60.0, lambda _: None)
    task = asyncio.create_task(asked)
    await came.wait()
    yield Connecting(places, task, may, made)
    await asyncio.gather(*(asyncio.all_tasks() - before), return_exceptions=True)


async def test_nobody_connects_for_a_statement_that_was_given_up(direct: Settings) -> None:
    async with connecting(direct) as begun:
        begun.task.cancel()
        await asyncio.gather(begun.task, return_exceptions=True)
        await begun.places.close(PATIENCE_S)
        begun.may.set()
    assert begun.made == []
    assert begun.places.counts == {"used": 0, "idle": 0, "waiting": 0}


async def test_a_connection_that_comes_after_the_end_is_closed_when_it_has_answered(
    direct: Settings,
) -> None:
    async with connecting(direct) as begun:
        await begun.places.close(0.01)
        begun.may.set()
        assert (await begun.task)[0]["one"] == 1
        assert begun.made[0].is_closed()
