"""Entries for an append, and what became of them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from msgspec.structs import replace
from uuid_utils.compat import uuid7

from app.database.pool import Pool
from app.log.entry import Context, Entry, NewEvent, PreparedAppend
from app.log.outcome import Appended, Outcome
from domain.ids import StreamId, partition_of
from support.database import PARTITIONS

_TOPIC = "ai_session.patched.v1"


def new_stream() -> StreamId:
    """A stream that has no events, in the first partition of the tests' log."""
    drawn = StreamId(uuid7())
    while partition_of(drawn, PARTITIONS) != 0:
        drawn = StreamId(uuid7())
    return drawn


def entry(
    stream: StreamId,
    expected: int = 0,
    events: int = 1,
    *,
    metadata: str = "{}",
    ids: Sequence[UUID] | None = None,
    key: str | None = None,
    doc: str | None = None,
) -> Entry:
    """An entry of so many events, or of those with the ids given."""
    prepared = PreparedAppend(
        stream=stream,
        expected=expected,
        events=(),
        doc=doc,
        context=Context(actor="kim", metadata=metadata, view="ai_session_info"),
        key=key,
        fingerprint=None if key is None else b"what the key stands for",
    )
    stored = [NewEvent(_TOPIC, b"{}", event_id) for event_id in ids or made_ids(events)]
    return Entry(prepared, stored, prepared.context)


def changed(made: Entry, **fields: Any) -> Entry:
    """The entry with other values in fields of its append."""
    prepared = replace(made.prepared, **fields)
    return replace(made, prepared=prepared, context=prepared.context)


def appended(outcome: Outcome | Exception) -> Appended:
    """An outcome that has to be that of an entry that was written."""
    assert isinstance(outcome, Appended), outcome
    return outcome


def facts(outcome: Outcome | Exception, *names: str) -> tuple[object, ...]:
    """Of which kind an outcome is, and what it says; None where its kind says nothing of it."""
    return (type(outcome), *(getattr(outcome, name, None) for name in names))


def made_ids(count: int) -> list[UUID]:
    """Fresh ids of events."""
    return [uuid4() for _ in range(count)]


async def rows(owner: asyncpg.Connection) -> list[asyncpg.Record]:
    """What tells one stored event from another, for all of them, in their order."""
    return await owner.fetch(
        "SELECT notification_id AS position, originator_id AS stream,"
        " originator_version AS version, event_id, recorded_at"
        " FROM stored_events ORDER BY notification_id"
    )


def lose_replies(
    monkeypatch: pytest.MonkeyPatch,
    pool: Pool,
    *,
    replies: int,
    meanwhile: Callable[[], Awaitable[object]] | None = None,
) -> None:
    """Have the database do what the pool asks, and lose its next replies.

    What is to happen meanwhile does so when the first of them is lost.
    """
    fetch, lost = pool.fetch, 0

    async def losing_replies(
        sql: str, *arguments: object, timeout_s: float | None = None
    ) -> Sequence[asyncpg.Record]:
        nonlocal lost
        answer = await fetch(sql, *arguments, timeout_s=timeout_s)
        if lost == replies:
            return answer
        lost += 1
        if lost == 1 and meanwhile is not None:
            await meanwhile()
        raise ConnectionResetError

    monkeypatch.setattr(pool, "fetch", losing_replies)
