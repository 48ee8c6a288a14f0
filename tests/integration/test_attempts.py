"""Refused callers are on record: one event for each of them, address and minute, with a count."""

import asyncio
import json
from collections import Counter
from typing import Any

import asyncpg
import httpx
import pytest
from msgspec.structs import replace
from support.in_process import calling

from app.auth import attempts
from app.auth.attempts import Attempts
from app.maintenance import users
from app.maintenance.store import Connection
from app.service import Service
from app.settings import Settings
from app.telemetry import security
from app.telemetry.security import REFUSALS, Attempt, Happening
from domain.ids import principal_stream
from domain.principal.events import SignInRefused
from projections.fold import Recorded

pytestmark = pytest.mark.usefixtures("people")
HERE, THERE = "192.0.2.1", "192.0.2.2"
CANARY = "hunter2 typed into the wrong field"


@pytest.fixture(autouse=True)
def _only_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """No round between two requests of a test, however long it takes: its event is of them all."""
    monkeypatch.setattr(attempts, "_ROUND_S", 3600.0)


async def refusals(owner: asyncpg.Connection, name: str = "kim") -> list[dict[str, Any]]:
    """The refusals in a principal's stream, each with its stored name."""
    rows = await owner.fetch(
        "SELECT topic, convert_from(state, 'UTF8') AS state, actor FROM stored_events"
        " WHERE originator_id = $1 AND topic ~ 'refused|throttled|forbidden' ORDER BY 1, 2",
        principal_stream(name),
    )
    assert {row["actor"] for row in rows} <= {"sessionary"}
    return [json.loads(row["state"]) | {"topic": row["topic"]} for row in rows]


async def addresses(service: Service, owner: asyncpg.Connection) -> Counter[object]:
    """Where the refusals in the stream of `kim` came from; the database has none of them."""
    for row in await owner.fetch("SELECT e::text FROM stored_events AS e"):
        assert HERE not in row[0]
        assert THERE not in row[0]
    events = await service.reader.versions(principal_stream("kim"), most=100)
    recorded = [each.recorded.event for each in events if isinstance(each.recorded, Recorded)]
    return Counter(each.address for each in recorded if isinstance(each, SignInRefused))


REFUSED = Attempt(
    what=Happening.SIGN_IN_REFUSED,
    address=HERE,
    reason="password",
    stream=principal_stream("kim"),
    name_hash="h",
)
NOBODY = httpx.Auth()


def refused(**more: Any) -> Attempt:
    return replace(REFUSED, **more)


async def test_what_two_workers_count_is_one_event_a_minute(
    service: Service, other_service: Service, owner: asyncpg.Connection
) -> None:
    for worker in (service, other_service, service):
        worker.attempts.report(refused())
    for worker in (service, other_service):
        await worker.attempts._hand_over(worker.attempts._counts)
        worker.attempts._counts = {}
        worker.attempts._rounds_left = 1
    for worker in (service, other_service):
        await worker.attempts.write()
    (event,) = await refusals(owner)
    assert (event["count"], event["name_hash"]) == (3, None)
    assert await addresses(service, owner) == {HERE: 1}
    # What comes within the minute waits for its end, and is not lost.
    service.attempts.report(refused())
    service.attempts.report(refused(address=THERE))
    await service.attempts.write()
    assert await addresses(service, owner) == {HERE: 1, THERE: 1}
    await owner.execute("UPDATE refusal SET written_at = written_at - interval '60 s'")
    await other_service.attempts.write()
    await service.attempts.write()
    assert sorted(each["count"] for each in await refusals(owner)) == [1, 1, 3]


async def test_each_kind_has_its_event(service: Service, owner: asyncpg.Connection) -> None:
    for what in REFUSALS:
        service.attempts.report(refused(what=what, principal="kim", operation="NewAccount"))
    await service.attempts.write()
    topics = {each["topic"]: each["count"] for each in await refusals(owner)}
    assert topics == {
        "principal.sign_in_refused.v1": 1,
        "principal.throttled.v1": 1,
        "principal.forbidden.v1": 1,
    }


async def test_of_a_name_that_nobody_has_only_a_keyed_hash_is_kept(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    async with calling(settings) as client:
        for name in (CANARY, CANARY, "kim"):
            answer = await client.get("/accounts", auth=httpx.BasicAuth(name, "wrong password"))
            assert answer.status_code == 401
    (stranger,) = await refusals(owner, "")
    assert (stranger["count"], stranger["reason"]) == (2, "unknown")
    assert len(stranger["name_hash"]) == 32
    (known,) = await refusals(owner)
    assert (known["count"], known["reason"], known["name_hash"]) == (1, "password", None)
    for table in ("stored_events", "principal", "refusal"):
        for row in await owner.fetch(f"SELECT t::text AS text FROM {table} AS t"):
            assert CANARY not in row["text"]
            assert CANARY.encode().hex() not in row["text"]


async def test_forbidden_operations_are_counted_by_their_names(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    async with calling(settings) as client:
        pat = httpx.BasicAuth("pat", "right as rain")
        for path in ("/ai/sessions", "/ai/sessions", "/users"):
            assert (await client.get(path, auth=pat)).status_code == 403
        assert (await client.get("/accounts", auth=pat)).status_code == 200
        assert (await client.get("/accounts", auth=NOBODY, headers={})).status_code in (200, 401)
    (event,) = await refusals(owner, "pat")
    assert event["count"] == 3
    assert event["operations"] == ["ListAISessions", "ListUsers"]


async def test_who_guesses_is_on_record_as_throttled(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    async with calling(settings) as client:
        for number in range(8):
            wrong = httpx.BasicAuth("kim", f"guess number {number}")
            assert (await client.get("/accounts", auth=wrong)).status_code in (401, 429)
    counts = {each["topic"]: each["count"] for each in await refusals(owner)}
    assert counts == {"principal.sign_in_refused.v1": 5, "principal.throttled.v1": 3}


async def test_the_security_log_hears_of_everything_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Attempt] = []
    monkeypatch.setattr(security, "write", heard.append)
    async with calling(settings) as client:
        body = {"userName": "kim", "password": "right as rain"}
        assert (await client.post("/auth/credentials", json=body, auth=NOBODY)).status_code == 200
        assert (await client.get("/auth/logout", auth=NOBODY)).status_code == 200
        token = await client.post("/tokens", json={"userName": "kim", "label": "x"})
        assert token.status_code == 200
        gone = await client.delete(f"/tokens/{token.json()['id']}")
        assert gone.status_code == 204
        bearer = {"Authorization": f"Bearer {token.json()['token']}"}
        assert (await client.get("/accounts", auth=NOBODY, headers=bearer)).status_code == 401
    told = [(each.what, each.principal, each.reason) for each in heard]
    assert told == [
        (Happening.SIGNED_IN, "kim", ""),
        (Happening.SIGNED_OUT, "kim", ""),
        (Happening.SIGNED_IN, "kim", ""),  # by Basic, the first time
        (Happening.ISSUED, "kim", ""),
        (Happening.REVOKED, "kim", ""),
        (Happening.SIGN_IN_REFUSED, None, "token"),
    ]
    assert all(each.request_id for each in heard)


async def test_what_a_worker_remembers_is_bounded(
    service: Service, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "_MOST", 3)
    for number in range(10):
        name_hash, stream = service.attempts.named(f"nobody {number}")
        service.attempts.report(refused(stream=stream, name_hash=name_hash))
    assert len(service.attempts._counts) <= 4
    await service.attempts.write()
    events = await refusals(owner, "")
    assert sum(each["count"] for each in events) == 10
    assert len(events) <= 4


async def test_the_record_of_a_removed_user_goes_on(
    service: Service, owner: asyncpg.Connection
) -> None:
    await users.remove(Connection(owner), "kim")
    service.attempts.report(replace(refused(), reason="removed"))
    await service.attempts.write()
    assert [each["reason"] for each in await refusals(owner)] == ["removed"]


async def test_what_is_being_written_when_the_worker_ends_is_written(
    service: Service, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_events, begun, goes_on = Attempts._write_events, asyncio.Event(), asyncio.Event()

    async def held(*arguments: Any) -> None:
        begun.set()
        await goes_on.wait()
        await write_events(*arguments)

    monkeypatch.setattr(attempts, "_ROUND_S", 0.0)
    monkeypatch.setattr(Attempts, "_write_events", held)
    service.attempts.report(refused())
    watch = asyncio.create_task(service.attempts.keep_writing())
    await begun.wait()
    service.attempts.report(refused(address=THERE))
    watch.cancel()
    await asyncio.wait([watch])
    closing = asyncio.create_task(service.attempts.write(is_last=True))
    await asyncio.sleep(0)
    goes_on.set()
    await closing
    assert await addresses(service, owner) == {HERE: 1, THERE: 1}


async def test_a_worker_that_starts_writes_what_another_one_has_left(
    service: Service, other_service: Service, owner: asyncpg.Connection
) -> None:
    for _ in range(2):
        service.attempts.report(refused())
        await service.attempts.write(is_last=True)
    assert [each["count"] for each in await refusals(owner)] == [1]
    await owner.execute("UPDATE refusal SET written_at = written_at - interval '60 s'")
    await other_service.attempts.write()
    assert [each["count"] for each in await refusals(owner)] == [1, 1]
