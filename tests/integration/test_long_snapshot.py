"""A snapshot that stays open keeps every old version of a row: how much finding the newest reads.

Counted in pages of the tables and not in time, so that a busy machine measures the same.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence

import asyncpg
import pytest
from support import given
from support.entries import entry, new_stream

from app.database.pool import Pool
from app.log.append import Appender
from app.service import Service
from domain.ids import StreamId

APPENDS = 4_500
_PAGES = """
    SELECT sum(heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read)::bigint AS pages
      FROM pg_statio_user_tables
     WHERE relname IN ('log_partition', 'ai_session_info')
"""
_SCANS = """
    SELECT sum(idx_scan)::bigint AS scans
      FROM pg_stat_user_indexes
     WHERE relname = 'ai_session_info'
"""


@pytest.fixture
async def _snapshot(database_url: str) -> AsyncIterator[None]:
    """A reader that keeps seeing the moment before the test."""
    reader = await asyncpg.connect(database_url)
    async with reader.transaction(isolation="repeatable_read"):
        await reader.fetch("SELECT FROM log_partition")
        yield
    await reader.close()


async def _counted(pool: Pool, sql: str) -> int:
    # A server process tells what it read when it is idle for a while, or asked to; those that
    # write are others than those that read.
    for work in (pool.fetch, pool.ask):
        await work("SELECT pg_stat_force_next_flush()")
    await pool.ask("SELECT pg_stat_clear_snapshot()")
    return int((await pool.ask(sql))[0][0])


async def _append(appender: Appender, streams: Sequence[StreamId], after: int, times: int) -> int:
    """Change each stream so many times, all of them in one commit; the version they then have."""
    for version in range(after, after + times):
        changes = [entry(stream, version, doc='{"purpose": "p"}') for stream in streams]
        await asyncio.gather(*map(appender.append, changes))
    return after + times


@pytest.mark.usefixtures("_snapshot")
@pytest.mark.parametrize("count", [1, 24], ids=["one stream", "streams that share pages"])
async def test_an_append_to_hot_rows_reads_no_more_pages_after_thousands(
    appender: Appender, pool: Pool, count: int
) -> None:
    streams = [new_stream() for _ in range(count)]
    times = 200 // count
    version = await _append(appender, streams, 0, times)
    pages = []
    for _ in range(8):
        before = await _counted(pool, _PAGES)
        version = await _append(appender, streams, version, times)
        pages.append(await _counted(pool, _PAGES) - before)
        version = await _append(appender, streams, version, APPENDS // count // 8)
    # A table grows by many pages at once, which are not filled in their order: for as long, a
    # newest version is not on the last page. So of several looks the best counts.
    assert min(pages[4:]) < 4 * min(pages[:2]), pages


@pytest.mark.usefixtures("_snapshot")
@pytest.mark.parametrize("what", ["row", "aggregate"])
async def test_reading_a_hot_row_reads_no_more_pages_after_thousands(
    appender: Appender, pool: Pool, service: Service, what: str
) -> None:
    made = await given.open_ai_session(service)
    stream, aggregates = made.folded.stream, service.commands.aggregates

    async def read() -> int:
        before = await _counted(pool, _PAGES)
        for _ in range(20):
            if what == "row":
                assert await service.views.get("ai_session", stream) is not None
            else:
                assert (await aggregates.load("ai_session", stream)).folded is not None
        # The service's connections are others than the one that counts.
        await service.pool.ask("SELECT pg_stat_force_next_flush()")
        return await _counted(pool, _PAGES) - before

    early = await read()
    await _append(appender, [stream], 1, APPENDS)
    assert await read() < 2 * early + 20


async def test_no_other_index_is_a_way_to_a_row(
    service: Service, owner: asyncpg.Connection
) -> None:
    """Statistics that see no row, as after millions of changes, let the planner take any."""
    made = await given.open_ai_session(service)
    session, stream = given.session_of(made), made.folded.stream
    await owner.execute("DROP INDEX ai_session_info_partition_stream_id_idx")
    before = await _counted(service.pool, _SCANS)
    await given.patch_ai_session(service, session, "changed")
    assert await service.views.get("ai_session", stream) is not None
    assert (await service.commands.aggregates.load("ai_session", stream)).folded
    assert await _counted(service.pool, _SCANS) == before
