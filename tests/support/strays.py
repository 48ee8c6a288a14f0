"""What a release that did not ask of which kind a stream is could leave in a log."""

from uuid import UUID, uuid4

import asyncpg

from domain.ids import StreamId
from support.deep import home_of


async def leave_stray(
    owner: asyncpg.Connection, stream: UUID, topic: str = "ai_session.deleted.v1"
) -> int:
    """Append an event of another kind to a stream, as that release did; its position.

    The view of the event's kind has no row for the stream, and that of the stream's kind keeps
    the one that it has.
    """
    async with owner.transaction():
        await owner.execute("ALTER TABLE stored_events DISABLE TRIGGER one_kind")
        home = await home_of(owner, StreamId(stream))
        position: int = await owner.fetchval(
            "UPDATE log_partition SET position = position + 1 WHERE partition = $1"
            " RETURNING position", home,
        )  # fmt: skip
        await owner.execute(
            "INSERT INTO stored_events (partition, originator_id, originator_version, topic, state,"
            " notification_id, event_id, recorded_at, actor, metadata)"
            " SELECT $5, $1, max(originator_version) + 1, $2, '{}', $3, $4, max(recorded_at),"
            " 'old', '{}' FROM stored_events WHERE originator_id = $1",
            stream,
            topic,
            position,
            uuid4(),
            home,
        )
        await owner.execute("ALTER TABLE stored_events ENABLE TRIGGER one_kind")
    return position
