"""What an append reads of a log and of views that others have filled."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from entries import entry, new_stream

from app.log.append import Appender, Entry, Outcome
from app.log.pool import Pool

STREAMS = 1_000
_READ = """
    SELECT relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) AS rows
      FROM pg_stat_user_tables
     WHERE relname IN ('stored_events', 'ai_session_info', 'idempotency_key')
"""


@pytest.mark.parametrize("keyed", [False, True], ids=["without keys", "with keys"])
@pytest.mark.parametrize("stale", [0, 1], ids=["as expected", "one in conflict"])
async def test_each_entry_reads_a_few_rows_however_many_there_are(
    appender: Appender, pool: Pool, keyed: bool, stale: int
) -> None:
    streams = [new_stream() for _ in range(STREAMS)]

    def changes(version: int, count: int) -> Sequence[Entry]:
        return [
            entry(
                stream,
                version,
                doc='{"purpose": "test"}',
                key=f"{version} {number}" if keyed else None,
            )
            for number, stream in enumerate(streams[:count])
        ]

    # The connection's plans are made now, while the tables are empty.
    await appender.append(changes(0, 1)[0])
    await _together(appender, changes(0, STREAMS)[1:])
    before = await _rows_read(pool)
    outcomes = await _together(appender, [*changes(1, 100)[stale:], *changes(0, stale)])
    assert [outcome.outcome for outcome in outcomes].count("conflict") == (stale and not keyed)
    read = await _rows_read(pool)
    each = {name: (read[name] - before[name]) / 100 for name in read}
    assert max(each.values()) <= 5, each


async def _together(appender: Appender, entries: Sequence[Entry]) -> Sequence[Outcome]:
    return await asyncio.gather(*map(appender.append, entries))


async def _rows_read(pool: Pool) -> Mapping[str, int]:
    # A server process tells what it read when it is idle for a while, or asked to.
    await pool.fetch("SELECT pg_stat_force_next_flush()")
    await pool.fetch("SELECT pg_stat_clear_snapshot()")
    return {row["relname"]: row["rows"] for row in await pool.fetch(_READ)}
