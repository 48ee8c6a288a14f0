"""An event that a follower cannot take up holds up its own stream, until it is redriven."""

import asyncio
from random import Random
from uuid import UUID

import asyncpg
import pytest
from support import given
from support.audit import auditing
from support.database import ONE_PARTITION, SEVERAL
from support.histories import assert_equal_to_the_log, catch_up, follower, mixed
from support.patience import patient

from app.followers import follower as following
from app.followers.quarantine import ask_redrive, unanswered
from app.history.followed import reached, wait_for
from app.history.moments import present_cut
from app.maintenance.store import Connection
from app.operations.stuck import stuck
from app.service import Service
from app.settings import Settings
from domain.ids import AISessionId

PARTITIONS = pytest.mark.parametrize("partitions", [1, SEVERAL], ids=["one", "several"])
WAITING = "SELECT stream_id, version FROM quarantine WHERE follower = 'history'"


async def waiting(owner: asyncpg.Connection) -> dict[UUID, int]:
    """The version at which each stream waits."""
    return dict(map(tuple, await owner.fetch(WAITING)))


async def take_keys(
    owner: asyncpg.Connection, which: str = "md5(stream_id::text) < '8'", *arguments: object
) -> list[asyncpg.Record]:
    """Take the keys of some streams away: by default, of about half of them."""
    return await owner.fetch(f"DELETE FROM stream_key WHERE {which} RETURNING *", *arguments)


async def give_back(owner: asyncpg.Connection, keys: list[asyncpg.Record]) -> None:
    await owner.executemany("INSERT INTO stream_key VALUES ($1, $2, $3)", map(tuple, keys))


async def opened_and_changed(service: Service, purpose: str) -> list[AISessionId]:
    """Five sessions whose first events were taken up, and whose second ones were not."""
    opened = [given.session_of(await given.open_ai_session(service)) for _ in range(5)]
    await catch_up(service)
    for session in opened:
        await given.patch_ai_session(service, session, purpose)
    return opened


@PARTITIONS
async def test_streams_wait_in_order_and_are_redriven(
    service: Service, owner: asyncpg.Connection, store: Connection
) -> None:
    sessions = await opened_and_changed(service, "billing")
    await mixed(service, 1, 10)
    keys = await take_keys(owner)
    await catch_up(service)
    assert await reached(service.pool) == await present_cut(service.pool)
    held = await waiting(owner)
    lost = {key["stream_id"] for key in keys}
    assert held.keys() <= lost
    assert {UUID(session) for session in sessions} & lost <= held.keys()
    for session in sessions:  # (the service remembers their keys)
        await given.patch_ai_session(service, session, "closing")
    await ask_redrive(store, "history")
    await catch_up(service)
    assert (await waiting(owner), await unanswered(store, None)) == (held, 0)  # in vain
    (first, *_) = [each for each in await stuck(service.pool) if each.kind == "quarantine"]
    assert "the key of the stream is gone" in first.sentence
    await give_back(owner, keys)
    await catch_up(service)
    assert await waiting(owner) == held  # nobody has asked
    assert await ask_redrive(store, "history") == len(held)
    await catch_up(service)
    assert await waiting(owner) == {}
    await assert_equal_to_the_log(service, owner)


async def test_a_stream_that_fails_again_later_keeps_what_was_taken_up(
    service: Service, owner: asyncpg.Connection, store: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "BATCH_EVENTS", 2)
    (session, *_) = await opened_and_changed(service, "billing")
    keys = await take_keys(owner, "stream_id = $1", UUID(session))
    for number in range(6):
        await given.patch_ai_session(service, session, f"purpose {number}")
    await catch_up(service)
    assert await waiting(owner) == {UUID(session): 2}
    await give_back(owner, keys)
    await owner.execute(
        "ALTER TABLE ai_session_info_history ADD CONSTRAINT planted"
        " CHECK (version < 5 OR stream_id <> '" + session + "')"
    )
    await ask_redrive(store, None)
    await catch_up(service)
    assert await waiting(owner) == {UUID(session): 5}
    assert await owner.fetchval("SELECT error FROM quarantine") != ""
    await owner.execute("ALTER TABLE ai_session_info_history DROP CONSTRAINT planted")
    await ask_redrive(store, None)
    await catch_up(service)
    assert await waiting(owner) == {}
    await assert_equal_to_the_log(service, owner)


async def test_nothing_is_lost_or_doubled_by_racing_owners_that_redrive(
    service: Service,
    other_service: Service,
    owner: asyncpg.Connection,
    store: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(following, "BATCH_EVENTS", 7)
    random = Random(5)
    writing = asyncio.ensure_future(mixed(service, 3, 40))
    rounds = 0
    while not writing.done() or rounds < 20:
        keys = await take_keys(owner, "random() < 0.2")
        racing = [
            asyncio.ensure_future(follower(each).round()) for each in (service, other_service) * 2
        ]
        await asyncio.sleep(random.random() * 0.05)
        await owner.execute("UPDATE lease SET until = now() WHERE name = 'follow_history'")
        await give_back(owner, keys)
        await ask_redrive(store, None)
        await asyncio.sleep(random.random() * 0.05)
        for each in racing:
            if random.random() < 0.5:
                each.cancel()
        await asyncio.gather(*racing, return_exceptions=True)
        rounds += 1
    await writing
    await owner.execute("UPDATE lease SET until = now()")  # of one that was killed
    await ask_redrive(store, None)
    await catch_up(service)
    assert await waiting(owner) == {}
    await assert_equal_to_the_log(service, owner)


@ONE_PARTITION
async def test_readers_are_told_that_a_session_is_stale(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    async with auditing(settings, owner) as (client, service):
        session = given.session_of(await given.open_ai_session(service))
        other = given.session_of(await given.open_ai_session(service))
        await wait_for(service.pool, await present_cut(service.pool), patient(10.0))
        await take_keys(owner, "stream_id = $1", UUID(session))
        await given.patch_ai_session(service, session, "billing")
        cut = await present_cut(service.pool)
        await wait_for(service.pool, cut, patient(10.0))
        stale = await client.get(f"/audit/sessions/{session}/history")
        assert stale.headers["X-Quarantined"] == "1"
        (waits,) = stale.json()["quarantine"]
        assert (waits["follower"], waits["position"]) == ("history", f"0:{cut[0]}")
        page = await client.get(f"/audit/sessions/{session}/history.html")
        assert "Stale in history" in page.text
        moment = f"?asOf=0:{cut[0]}"
        state = await client.get(f"/audit/sessions/{session}{moment}")
        listed = await client.get(f"/ai/sessions{moment}")
        before = await client.get(f"/ai/sessions?asOf=0:{cut[0] - 1}")
        well = await client.get(f"/audit/sessions/{other}/history")
        told = [each.headers.get("X-Quarantined") for each in (state, listed, before, well)]
        assert told == ["1", "1", None, None]
        assert "quarantine" not in well.json()
