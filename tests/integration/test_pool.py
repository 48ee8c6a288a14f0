from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from app.log.errors import TooSlow
from app.log.pool import Pool
from app.settings import Settings


@pytest.fixture
async def lists(settings: Settings) -> AsyncIterator[Pool]:
    opened = Pool(replace(settings, list_deadline_s=0.1), for_lists=True)
    yield opened
    await opened.close()


async def test_a_list_that_takes_too_long_is_refused_and_no_failure(lists: Pool) -> None:
    with pytest.raises(TooSlow):
        await lists.ask("SELECT pg_sleep(30)")
    assert not lists.failed.is_set()
    assert (await lists.ask("SELECT 1 AS one"))[0]["one"] == 1


async def test_no_more_lists_at_a_time_than_there_are_connections(
    settings: Settings, lists: Pool
) -> None:
    for _ in range(3 * settings.list_pool_size):
        with pytest.raises(TooSlow):
            await lists.ask("SELECT pg_sleep(30)")
    connected = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database()"
    assert (await lists.ask(connected))[0]["n"] <= settings.list_pool_size
