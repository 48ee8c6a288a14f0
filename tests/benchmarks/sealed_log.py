"""A log of very many AI sessions, written by COPY in the form that appends give it."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from app.log.codec import encode, split
from app.log.keyring import Keyring
from app.log.read import heads
from app.maintenance.keys import keyring_of
from app.maintenance.store import Connection, DataLocation, connected
from domain.ai_session import AISessionCreated, AISessionPatched
from domain.event import Event
from domain.ids import StreamId

from .our_store import EVENTS_PER_SESSION, PURPOSE
from .session_dto import ACCOUNT_ID

_SESSIONS = 25_000
"""That are written at a time."""
_EVENTS = (
    "partition", "originator_id", "originator_version", "topic", "state", "notification_id",
    "event_id", "recorded_at", "actor", "metadata",
)  # fmt: skip
_TRUSTED = "SET LOCAL session_replication_role = replica"
"""Without the triggers that check each event."""
_MOVE = "UPDATE log_partition SET position = $2, recorded_at = now() WHERE partition = $1"


async def write_sessions(where: DataLocation, url: str, sessions: int) -> None:
    """Append so many sessions to a log of one partition; their views are not written."""
    async with connected(url) as store:
        keyring = await keyring_of(store, where)
        (head,) = await heads(store)
        position = head.position
        for begin in range(0, sessions, _SESSIONS):
            count = min(_SESSIONS, sessions - begin)
            await _write(store, keyring, position, count)
            position += count * EVENTS_PER_SESSION
        await store.raw.execute("VACUUM ANALYZE stored_events, stream_key", timeout=900)


async def _write(store: Connection, keyring: Keyring, position: int, count: int) -> None:
    raw = store.raw
    events: list[tuple[Any, ...]] = []
    keys: list[tuple[Any, ...]] = []
    at = datetime.now(UTC)
    for number in range(count):
        stream = _session(at + timedelta(milliseconds=number))
        box, wrapped = keyring.new(stream, ("customer",))
        keys.append((0, stream, wrapped))
        for version, event in enumerate(_events(), 1):
            position += 1
            state = encode(event.topic, *split(event), stream, box)
            events.append(
                (0, stream, version, event.topic, state, position, uuid4(), at, "bench", "{}")
            )
    async with raw.transaction():
        await raw.execute(_TRUSTED)
        await raw.copy_records_to_table("stream_key", records=keys)
        await raw.copy_records_to_table("stored_events", records=events, columns=_EVENTS)
        await raw.execute(_MOVE, 0, position)


def _events() -> Iterator[Event]:
    yield AISessionCreated(account_id=ACCOUNT_ID, purpose=f"{PURPOSE}0")
    for number in range(1, EVENTS_PER_SESSION):
        yield AISessionPatched(purpose=f"{PURPOSE}{number}")


def _session(at: datetime) -> StreamId:
    """A UUIDv7."""
    moment = int(at.timestamp() * 1000)
    drawn = int.from_bytes(os.urandom(10), "big")
    low = drawn & (1 << 62) - 1 | 2 << 62
    return StreamId(UUID(int=moment << 80 | 7 << 76 | (drawn >> 64 & 0xFFF) << 64 | low))
