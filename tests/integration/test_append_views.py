"""Which view rows an append writes."""

import asyncpg
import pytest
from msgspec.structs import replace
from support.entries import appended, changed, entry, new_stream

from app.log.append import Appender
from app.log.outcome import Overtaken
from projections.catalog import VIEWS

DOCS = {
    "ai_session_info": '{"purpose": "test"}',
    "chat_session_entity": '{"chat_session_id": 7, "status": "InQueue"}',
    "account_info": '{"account_id": "a", "name": "test"}',
    "principal": '{"name": "kim", "associate_id": 7}',
    "audit_trail": '{"auditor": "kim", "viewed": 1}',
    "legal_hold": '{"target": "7", "reason": "a lawsuit"}',
}


@pytest.mark.parametrize("view", [view.name for view in VIEWS])
async def test_every_view_is_written(
    appender: Appender, owner: asyncpg.Connection, view: str
) -> None:
    stream = new_stream()
    made = entry(stream, doc=DOCS[view])
    await appender.append(changed(made, context=replace(made.prepared.context, view=view)))
    row = await owner.fetchrow(f"SELECT stream_id, version FROM {view}")  # a name from above
    assert tuple(row or ()) == (stream, 1)


async def test_a_view_that_is_none_is_refused_and_nothing_is_stored(
    appender: Appender, owner: asyncpg.Connection
) -> None:
    made = entry(new_stream(), doc="{}")
    with pytest.raises(asyncpg.InvalidParameterValueError):
        await appender.append(changed(made, context=replace(made.prepared.context, view="no_view")))
    assert await owner.fetchval("SELECT count(*) FROM stored_events") == 0


async def test_a_row_that_is_not_there_is_written_by_the_next_change(
    appender: Appender, owner: asyncpg.Connection
) -> None:
    stream = new_stream()
    await appender.append(entry(stream, doc="{}"))
    await owner.execute("DELETE FROM ai_session_info")
    await appender.append(entry(stream, 1, doc="{}"))
    row = await owner.fetchrow(
        "SELECT v.stream_id, v.version, (v.created_by, v.created_at) = (e.actor, e.recorded_at)"
        "  FROM ai_session_info AS v, stored_events AS e WHERE e.originator_version = 1"
    )
    assert tuple(row or ()) == (stream, 2, True)


async def test_what_a_row_shows_does_not_tell_which_version_a_stream_has(
    appender: Appender, owner: asyncpg.Connection
) -> None:
    stream = new_stream()
    await appender.append(entry(stream, doc="{}"))
    await owner.execute("UPDATE ai_session_info SET version = 7")
    assert isinstance(await appender.append(entry(stream, 7, doc="{}")), Overtaken)
    assert appended(await appender.append(entry(stream, 1, doc="{}"))).version == 2
