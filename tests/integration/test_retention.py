"""Which sessions a policy of retention is about."""

import json
from datetime import timedelta

import asyncpg
import pytest
from support import given
from support.database import SEVERAL
from support.people import chat_of

from app.erasure.holds import target_named
from app.erasure.retention import FLOOR_DAYS, SQL, BelowFloor, due, require_above_floor
from app.service import Service
from domain.hold import PlaceHold
from domain.ids import StreamId

PARTITIONS = pytest.mark.parametrize("partitions", [1, SEVERAL], ids=["one", "several"])


async def aged(owner: asyncpg.Connection, streams: list[StreamId], days: int) -> None:
    """Let events have been recorded so many days ago."""
    await owner.execute("ALTER TABLE stored_events DISABLE TRIGGER append_only")
    await owner.execute(
        "UPDATE stored_events SET recorded_at = now() - $2::interval"
        " WHERE originator_id = ANY ($1::uuid[])",
        streams, timedelta(days=days),
    )  # fmt: skip
    await owner.execute("ALTER TABLE stored_events ENABLE TRIGGER append_only")


async def found(service: Service, days: int) -> dict[StreamId, str | None]:
    """The sessions that are due, each with the reason why it stays."""
    return {
        each.session.stream: None if each.hold is None else each.hold.reason
        async for page in due(service.reader, days)
        for each in page
    }


@PARTITIONS
async def test_only_old_sessions_that_hold_personal_data_are_due(
    service: Service, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.erasure.retention.PAGE_STREAMS", 2)
    old = [await chat_of(service, customer_name="Kim") for _ in range(3)]
    opened = await given.open_ai_session(service, purpose="Kim wants to know")
    old.append(opened.folded.stream)
    gone = await given.open_ai_session(service, purpose="Kim wants to know")
    await given.delete_ai_session(service, given.session_of(gone))
    old.append(gone.folded.stream)
    bare = await chat_of(service)  # holds nobody
    await given.open_account(service)
    young = await chat_of(service, customer_name="Kim")
    await aged(owner, [*old, bare], 200)
    assert await found(service, 201) == {}
    assert set(await found(service, 199)) == set(old)
    assert young not in await found(service, 1)
    await given.patch_ai_session(service, given.session_of(opened), "again")
    assert opened.folded.stream not in await found(service, 199)


async def test_what_is_on_hold_is_named_with_the_reason(
    service: Service, owner: asyncpg.Connection
) -> None:
    held, free = [await chat_of(service, customer_name="Kim") for _ in range(2)]
    await aged(owner, [held, free], 400)
    target = await target_named(service.reader, str(held))
    await service.commands.handle(PlaceHold(target=target, reason="a lawsuit"), given.call())
    assert await found(service, 365) == {held: "a lawsuit", free: None}


def test_nothing_below_the_floor_is_taken() -> None:
    require_above_floor(FLOOR_DAYS, FLOOR_DAYS)
    with pytest.raises(BelowFloor, match="183 days have passed, and 182 are fewer"):
        require_above_floor(FLOOR_DAYS - 1, FLOOR_DAYS)


async def test_a_page_is_read_by_the_keys_of_both_tables(
    service: Service, owner: asyncpg.Connection
) -> None:
    stream = await chat_of(service, customer_name="Kim")
    await owner.execute(
        "INSERT INTO stream_key SELECT 0, gen_random_uuid(), '' FROM generate_series(1, 20000)"
    )
    await owner.execute("ANALYZE stream_key, stored_events")
    plan = await owner.fetchval(f"EXPLAIN (FORMAT JSON) {SQL['page']}", 0, stream, 1_000, 183)
    assert "Seq Scan" not in json.dumps(json.loads(plan)[0]["Plan"]["Plans"][0])
