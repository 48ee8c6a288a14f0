"""The counts for each account and day equal those of the whole log."""

import asyncio
from collections import defaultdict
from datetime import UTC
from random import Random
from typing import Any

import asyncpg
import msgspec
import pytest
from support import given
from support.database import SEVERAL
from support.histories import audited, mixed
from support.patience import patient

from app.followers import activity as counting
from app.followers import follower as following
from app.followers.quarantine import ask_redrive
from app.followers.reset import reset
from app.maintenance.store import Connection
from app.operations.activity import activity
from app.service import Service
from domain.event import kind_of

PARTITIONS = pytest.mark.parametrize("partitions", [1, SEVERAL], ids=["one", "several"])
WHERE_IT_COUNTS = {
    "ai_session.created.v1": "opened",
    "chat_session.created.v1": "opened",
    "ai_session.deleted.v1": "closed",
    "chat_session.closed.v1": "closed",
}
Counts = dict[tuple[str | None, Any], tuple[int, int, int, int]]


async def expected(service: Service) -> Counts:
    """Opened, changed, closed and actors by account and day."""
    accounts: dict[Any, str | None] = {}
    found: dict[Any, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    actors: dict[Any, set[str]] = defaultdict(set)
    for event in await audited(service):
        if kind_of(event.topic) in ("ai_session", "chat_session"):
            first = msgspec.json.decode(event.state)
            account = accounts.setdefault(event.stream, first.get("account_id"))
            place = account, event.recorded_at.astimezone(UTC).date()
            found[place][WHERE_IT_COUNTS.get(event.topic, "changed")] += 1
            actors[place].add(event.actor)
    return {
        place: (counts["opened"], counts["changed"], counts["closed"], len(actors[place]))
        for place, counts in found.items()
    }


async def counted(service: Service) -> Counts:
    found = await activity(service.pool, first=None, last=None, account=None)
    return {
        (each.account_id, each.day): (each.opened, each.changed, each.closed, each.actors)
        for each in found.activity
    }


async def catch_up(service: Service) -> None:
    follower = counting.follower(service.log, 1.0)
    while await follower.round():
        pass
    await follower.stop()


@PARTITIONS
async def test_they_are_those_of_the_log(
    service: Service, other_service: Service, store: Connection
) -> None:
    await mixed(service, 1, 20)
    await catch_up(service)
    assert await counted(service) == await expected(service) != {}
    await mixed(service, 2, 10)
    await catch_up(other_service)  # which has never seen these accounts
    assert await counted(service) == await expected(service)
    await reset(store, "activity")
    assert await counted(service) == {}
    await catch_up(service)
    assert await counted(service) == await expected(service)


async def test_nothing_is_lost_or_doubled_by_followers_that_are_killed_and_that_race(
    service: Service,
    other_service: Service,
    owner: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(following, "BATCH_EVENTS", 7)
    random = Random(3)
    writing = asyncio.ensure_future(mixed(service, 3, 40))
    while not writing.done():
        racing = [
            asyncio.ensure_future(counting.follower(each.log, 1.0).round())
            for each in (service, other_service) * 2
        ]
        await asyncio.sleep(random.random() * 0.05)
        await owner.execute("UPDATE lease SET until = now() WHERE name = 'follow_activity'")
        await asyncio.sleep(random.random() * 0.05)
        for each in racing:
            if random.random() < 0.5:
                each.cancel()
        await asyncio.gather(*racing, return_exceptions=True)
    await writing
    await owner.execute("UPDATE lease SET until = now()")  # of one that was killed
    await catch_up(service)
    assert await counted(service) == await expected(service)


async def test_lost_keys_do_not_matter_and_damaged_events_hold_up_their_session(
    service: Service, owner: asyncpg.Connection, store: Connection
) -> None:
    await given.open_account(service, "a1")
    session = given.session_of(await given.open_ai_session(service, account="a1"))
    await given.open_ai_session(service)
    await owner.execute("DELETE FROM stream_key")
    await owner.execute("SET session_replication_role = 'replica'")  # past the guards
    damage = "UPDATE stored_events SET state = $2 WHERE originator_id = $1 RETURNING state"
    before = await owner.fetchval(
        "SELECT state FROM stored_events WHERE originator_id = $1", session
    )
    await owner.execute(damage, session, b"\xff")
    await catch_up(service)
    found = await activity(service.pool, first=None, last=None, account=None)
    assert [(each.account_id, each.opened) for each in found.activity] == [(None, 1)]
    assert (found.quarantined, found.lag_events) == (1, 0)
    await owner.execute(damage, session, before)
    await ask_redrive(store, "activity")
    await catch_up(service)
    assert await counted(service) == await expected(service)


async def test_a_row_that_the_database_refuses_holds_up_its_session_only(
    service: Service, owner: asyncpg.Connection, store: Connection
) -> None:
    refuse = "ALTER TABLE activity ADD CONSTRAINT planted CHECK (account_id <> 'a1')"
    await owner.execute(refuse)
    await given.open_account(service, "a1")
    await given.open_ai_session(service, account="a1")
    for _ in range(5):
        await given.open_ai_session(service)
    follower = counting.follower(service.log, 1.0)
    following = asyncio.ensure_future(follower.keep_following())
    for _ in range(round(patient(10.0) / 0.05)):
        found = await activity(service.pool, first=None, last=None, account=None)
        if found.lag_events == 0:
            break
        await asyncio.sleep(0.05)
    following.cancel()
    await asyncio.wait([following])
    assert [(each.account_id, each.opened) for each in found.activity] == [(None, 5)]
    assert await owner.fetchval("SELECT version FROM quarantine") == 1
    await owner.execute("ALTER TABLE activity DROP CONSTRAINT planted")
    await ask_redrive(store, "activity")
    await catch_up(service)
    assert await counted(service) == await expected(service)
