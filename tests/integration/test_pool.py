import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from msgspec.structs import replace
from support import database

from app.database.errors import TRANSIENT, StoreDown, TooSlow
from app.database.pool import Pool
from app.maintenance.store import connected
from app.settings import Settings


@pytest.fixture
async def lists(direct: Settings) -> AsyncIterator[Pool]:
    """(Behind pgbouncer, the backends that are counted are its own.)"""
    opened = Pool(replace(direct, list_deadline_s=0.1), for_lists=True)
    yield opened
    await opened.close()


async def test_a_list_that_takes_too_long_is_refused_and_no_failure(lists: Pool) -> None:
    with pytest.raises(TooSlow):
        await lists.ask("SELECT pg_sleep(30)")
    assert not lists.failed.is_set()
    assert (await lists.ask("SELECT 1 AS one"))[0]["one"] == 1


async def test_no_more_lists_at_a_time_than_there_are_connections(
    direct: Settings, lists: Pool
) -> None:
    for _ in range(3 * direct.list_pool_size):
        with pytest.raises(TooSlow):
            await lists.ask("SELECT pg_sleep(30)")
    connected = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database()"
    assert (await lists.ask(connected))[0]["n"] <= direct.list_pool_size


async def test_a_caller_who_goes_away_is_no_failure_of_the_database(pool: Pool) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(pool.ask("SELECT pg_sleep(30)"), 0.1)
    assert not pool.failed.is_set()
    assert (await pool.ask("SELECT 1 AS one"))[0]["one"] == 1


@pytest.mark.parametrize("error", TRANSIENT)
async def test_what_may_pass_is_told_as_such_and_not_sent_twice(
    settings: Settings, error: type[Exception]
) -> None:
    sent = []

    class Broken(Pool):
        async def fetch(self, sql: str, *_: object, **__: object) -> Sequence[asyncpg.Record]:
            sent.append(sql)
            raise error("secret host")

    with pytest.raises(StoreDown) as told:
        await Broken(settings).ask_once("SELECT 1")
    assert (sent, "secret" in str(told.value)) == (["SELECT 1"], False)


async def test_an_outage_is_told_once_with_its_cause_and_so_is_its_end(
    direct: Settings, server_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sessionary")
    name = f"{urlsplit(direct.database_url).path[1:]}_later"
    url = urlunsplit(urlsplit(direct.database_url)._replace(path=f"/{name}"))
    elsewhere = replace(direct, database_url=url, store_deadline_s=0.3)
    pool = Pool(elsewhere)
    lists = Pool(elsewhere, for_lists=True, reachability=pool.reachability)
    for _ in range(3):
        with pytest.raises(StoreDown):
            await pool.ask("SELECT 1")
        with pytest.raises(StoreDown):
            await lists.ask("SELECT 1")
    async with database.created(server_url, name):
        for _ in range(3):
            await pool.ask("SELECT 1")
            await lists.ask("SELECT 1")
        await pool.close()
        await lists.close()
    assert [(record.levelname, record.message) for record in caplog.records] == [
        (
            "WARNING",
            "The database does not answer: InvalidCatalogNameError: "
            f'database "{name}" does not exist',
        ),
        ("INFO", "The database answers again"),
    ]


async def test_a_server_that_is_stricter_by_default_is_asked_for_read_committed(
    direct: Settings, owner: asyncpg.Connection
) -> None:
    # (pgbouncer takes no settings of a session: there, the roles have them.)
    name = await owner.fetchval("SELECT current_database()")
    await owner.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'")
    pool = Pool(direct)
    level = "SELECT current_setting('transaction_isolation') AS level"
    assert (await pool.ask(level))[0]["level"] == "read committed"
    async with connected(direct.database_url) as store:
        assert (await store.ask(level))[0]["level"] == "read committed"
    await pool.close()


async def test_nothing_is_compiled_whatever_the_server_does_by_default(
    direct: Settings, owner: asyncpg.Connection
) -> None:
    # (pgbouncer takes no settings of a session: there, the roles have them.)
    name = await owner.fetchval("SELECT current_database()")
    await owner.execute(f"ALTER DATABASE {name} SET jit = on")
    compiles = "SELECT current_setting('jit') AS jit"
    pool = Pool(direct)
    assert (await pool.ask(compiles))[0]["jit"] == "off"
    async with connected(direct.database_url) as store:
        assert (await store.ask(compiles))[0]["jit"] == "off"
    await pool.close()
