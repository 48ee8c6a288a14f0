"""What statements read of a log and of views that others have filled since they were planned."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from msgspec.structs import replace
from support.entries import entry, new_stream

from app.database.pool import Pool
from app.log.append import Appender
from app.log.entry import Entry
from app.log.keyring import Keyring
from app.log.outcome import Outcome, Overtaken
from app.log.read import LAST_VERSION, read_ends, read_streams
from app.queries.views import Views
from domain.ids import StreamId

STREAMS = 1_000
_READ = """
    SELECT relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) AS rows
      FROM pg_stat_user_tables
     WHERE relname IN ('stored_events', 'stream_key', 'idempotency_key', 'ai_session_info')
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
    assert [type(outcome) for outcome in outcomes].count(Overtaken) == (stale and not keyed)
    read = await _rows_read(pool)
    each = {name: (read[name] - before[name]) / 100 for name in read}
    assert max(each.values()) <= 5, each


async def test_a_stream_is_read_without_the_others_however_many_there_are(
    appender: Appender, pool: Pool, keyring: Keyring
) -> None:
    views = Views(pool, pool, batch=100, unseal=keyring.open_in_view)
    streams = [new_stream() for _ in range(STREAMS)]

    async def read(wanted: Sequence[StreamId]) -> None:
        placed = [(0, stream) for stream in wanted]
        await read_streams(pool, keyring, placed)
        await read_ends(pool, keyring, [(0, stream, LAST_VERSION) for stream in wanted])
        await asyncio.gather(*(views.get("ai_session", stream) for stream in wanted))

    made = [replace(entry(stream, doc="{}"), sealing_key=b"none") for stream in streams]
    await appender.append(made[0])
    # More often than a plan is made anew for each time: from then on it is kept.
    for _ in range(10):
        await read(streams[:1])
    await _together(appender, made[1:])
    before = await _rows_read(pool)
    await read(streams[:100])
    after = await _rows_read(pool)
    each = {name: (after[name] - before[name]) / 100 for name in after}
    assert max(each.values()) <= 5, each


async def _together(appender: Appender, entries: Sequence[Entry]) -> Sequence[Outcome]:
    return await asyncio.gather(*map(appender.append, entries))


async def _rows_read(pool: Pool) -> Mapping[str, int]:
    # A server process tells what it read when it is idle for a while, or asked to.
    await pool.fetch("SELECT pg_stat_force_next_flush()")
    await pool.fetch("SELECT pg_stat_clear_snapshot()")
    return {row["relname"]: row["rows"] for row in await pool.fetch(_READ)}
