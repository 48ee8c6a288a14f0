"""Streams of very many events, put there without the service."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import asyncpg

from domain.ids import StreamId, partition_of


async def home_of(owner: asyncpg.Connection, stream: StreamId) -> int:
    """The partition of a stream, whether it has events or not."""
    return partition_of(stream, await owner.fetchval("SELECT count(*) FROM log_partition"))


async def unchecked(owner: asyncpg.Connection) -> None:
    """Let a connection add many events at once, as `append` does: it has looked at their kinds."""
    await owner.execute("SELECT set_config('sessionary.appends', 'on', false)")


async def deepen(
    owner: asyncpg.Connection,
    stream: StreamId,
    view: str,
    topic: str,
    events: int,
    state: Callable[[int], bytes],
    doc: Callable[[int], str] | None = None,
) -> int:
    """Add events to a stream, and to its view's row what they lead to; the last version.

    `state`: of the event at a version; `doc`: JSON that the row's document has after it.
    """
    await unchecked(owner)
    home = await home_of(owner, stream)
    ((head, at),) = await owner.fetch(
        "SELECT position, recorded_at FROM log_partition WHERE partition = $1", home
    )
    version = await owner.fetchval(
        "SELECT max(originator_version) FROM stored_events WHERE originator_id = $1", stream
    )
    at += timedelta(microseconds=1)
    await owner.copy_records_to_table(
        "stored_events",
        records=(
            (
                home,
                stream,
                version + n,
                topic,
                state(version + n),
                head + n,
                uuid4(),
                at,
                "eve",
                "{}",
            )
            for n in range(1, events + 1)
        ),
    )
    last = version + events
    await owner.execute(
        "UPDATE log_partition SET position = $1, recorded_at = $2 WHERE partition = $3",
        head + events, at, home,
    )  # fmt: skip
    await owner.execute(
        f"UPDATE {view} SET version = $1, position = $2, modified_by = 'eve', modified_at = $3,"
        " doc = doc || $4::jsonb WHERE stream_id = $5",
        last, head + events, at, doc(last) if doc else "{}", stream,
    )  # fmt: skip
    await owner.execute("ANALYZE stored_events")
    return int(last)


async def deepen_chat(owner: asyncpg.Connection, stream: StreamId, events: int) -> int:
    """Ratings of a chat session, each that of its version."""
    return await deepen(
        owner, stream, "chat_session_entity", "chat_session.rated.v1", events,
        lambda version: b'{"rating":%d}' % version,
        lambda version: f'{{"rating":{version}}}',
    )  # fmt: skip


async def deepen_ai(owner: asyncpg.Connection, stream: StreamId, events: int) -> int:
    """Purposes of an AI session, each that of its version."""
    return await deepen(
        owner, stream, "ai_session_info", "ai_session.patched.v1", events,
        lambda version: b'{"purpose":"at %d"}' % version,
        lambda version: f'{{"purpose":"at {version}"}}',
    )  # fmt: skip
