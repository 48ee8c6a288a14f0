"""The cut of a moment equals what counting in the log gives."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from support import given
from support.database import SEVERAL

from app.codecs.json_text import BadInput
from app.history.moments import Cut, Positions, Span, Version, cut_at, cut_of, present_cut
from app.log.audited import read_between, read_positions, read_versions
from app.log.keyring import Keyring
from app.service import Service
from domain.ids import AISessionId

pytestmark = pytest.mark.parametrize("partitions", [1, SEVERAL], ids=["one", "several"])


async def counted(owner: asyncpg.Connection, at: datetime) -> Cut:
    rows = await owner.fetch(
        "SELECT (SELECT count(*) FROM stored_events AS e"
        "         WHERE e.partition = h.partition AND e.recorded_at <= $1) AS events"
        "  FROM log_partition AS h ORDER BY h.partition",
        at,
    )
    return tuple(row["events"] for row in rows)


async def open_sessions(service: Service, count: int) -> list[AISessionId]:
    made = [await given.open_ai_session(service) for _ in range(count)]
    return [given.session_of(each) for each in made]


async def test_a_time_names_the_events_up_to_it(
    service: Service, owner: asyncpg.Connection
) -> None:
    await open_sessions(service, 30)
    rows = await owner.fetch("SELECT recorded_at FROM stored_events")
    for (recorded_at,) in rows:
        for at in (recorded_at, recorded_at - timedelta(microseconds=1)):
            assert await cut_at(service.pool, at) == await counted(owner, at)
    assert await cut_at(service.pool, datetime(2001, 1, 1, tzinfo=UTC)) == await counted(
        owner, datetime(2001, 1, 1, tzinfo=UTC)
    )
    assert await cut_at(service.pool, datetime.now(UTC)) == await present_cut(service.pool)


async def test_a_position_and_a_version_name_the_same_cut_as_their_time(
    service: Service, owner: asyncpg.Connection
) -> None:
    (session, *_) = await open_sessions(service, 10)
    patched = (await given.patch_ai_session(service, session, "second")).folded
    await open_sessions(service, 10)
    now = datetime.now(UTC)
    at = patched.audit.modified_at
    cut = await cut_of(service.pool, Span(at, at), "asOf", now=now)
    assert cut[patched.partition] == patched.position
    position = Positions({patched.partition: patched.position})
    assert await cut_of(service.pool, position, "asOf", now=now) == cut
    assert await cut_of(service.pool, Version(2), "asOf", stream=patched.stream, now=now) == cut
    whole = Positions(dict(enumerate(cut)))
    assert await cut_of(service.pool, whole, "asOf", now=now) == cut
    assert cut == await counted(owner, at)


async def test_what_is_not_yet_is_refused(service: Service) -> None:
    (session,) = await open_sessions(service, 1)
    stream = (await given.patch_ai_session(service, session, "second")).folded.stream
    now = datetime.now(UTC)
    later = now + timedelta(hours=1)
    today = Span(now - timedelta(hours=1), later)
    for moment in (Span(later, later), Positions({0: 10_000}), Positions({64: 1})):
        with pytest.raises(BadInput):
            await cut_of(service.pool, moment, "asOf", now=now)
    for version in (0, 3):
        with pytest.raises(BadInput):
            await cut_of(service.pool, Version(version), "asOf", stream=stream, now=now)
    with pytest.raises(BadInput):
        await cut_of(service.pool, Version(1), "asOf", now=now)
    assert await cut_of(service.pool, today, "asOf", now=now) == await present_cut(service.pool)


async def test_events_are_read_with_what_is_stored_beside_them(
    service: Service, keyring: Keyring
) -> None:
    (session,) = await open_sessions(service, 1)
    folded = (await given.patch_ai_session(service, session, "second")).folded
    place, stream = folded.partition, folded.stream
    store = service.pool
    by_position = await read_positions(store, keyring, place, [folded.position, 10_000])
    by_version = await read_versions(store, keyring, place, stream, after=1, until=2, most=9)
    last = await read_between(
        store, keyring, place, after=0, until=folded.position, most=1, newest_first=True
    )
    assert by_position == by_version == last
    (event,) = last
    assert (event.version, event.topic) == (2, "ai_session.patched.v1")
    assert b"SystemAdministrator" in bytes(event.metadata)
    assert b"second" not in event.state


async def test_the_present_waits_for_an_append_that_is_under_way(
    service: Service, owner: asyncpg.Connection
) -> None:
    await open_sessions(service, 1)
    now = datetime.now(UTC)
    async with owner.transaction():
        await owner.execute("SELECT FROM log_partition FOR UPDATE")  # as an append does first
        asked = asyncio.create_task(cut_of(service.pool, Span(now, now), "asOf", now=now))
        await cut_of(service.pool, Positions({0: 0}), "asOf", now=now)
        assert not (await asyncio.wait([asked], timeout=0.3))[0]
    assert await asked == await present_cut(service.pool)
