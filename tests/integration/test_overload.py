"""Who is refused by a worker with more to do than it gets done, and by one that counts requests."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import httpx
import pytest
from msgspec.structs import replace
from support.in_process import PASSWORD, calling, running
from support.patience import patient

from app.http import admission
from app.service import Service
from app.settings import Settings

pytestmark = pytest.mark.usefixtures("people")

AI, CHAT = "/ai/sessions", "/api/v1/ChatSession"
FEW = 4
VITAL = ("/health/live", "/health/ready", "/metrics")


@asynccontextmanager
async def held(
    owner: asyncpg.Connection, client: httpx.AsyncClient, service: Service
) -> AsyncIterator[None]:
    """As many requests at work as may be: they wait for a lock, and are carried out in the end."""
    paths = [f"{AI}/{(await client.post(AI, json={})).json()['id']}" for _ in range(FEW)]
    async with asyncio.TaskGroup() as group, owner.transaction():
        await owner.execute("SELECT FROM log_partition FOR UPDATE")
        waiting = [group.create_task(client.patch(path, json={"purpose": "x"})) for path in paths]
        async with asyncio.timeout(patient(10.0)):
            while service.in_flight < FEW:
                await asyncio.sleep(0.01)
        yield
    assert {task.result().status_code for task in waiting} == {200}


async def test_a_worker_that_has_enough_to_do_refuses_in_the_form_of_each_face(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    few = replace(settings, most_in_flight=FEW, store_deadline_s=60.0)
    async with running(few) as (client, service):
        client.auth = httpx.BasicAuth("kim", PASSWORD)
        async with held(owner, client, service):
            answers = [await client.get(AI), await client.post(AI, json={})]
            chats = [await client.get(CHAT), await client.post(CHAT, json={})]
            xml = await client.get(AI, headers={"Accept": "application/xml"})
            for path in VITAL:
                assert (await client.get(path)).status_code == 200, path
            metrics = (await client.get("/metrics")).text
            for answer in (*answers, *chats, xml):
                assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
                assert answer.headers["X-Request-Id"]
            for answer in answers:
                assert answer.json()["responseStatus"]["errorCode"] == "Overloaded"
            for answer in chats:
                assert answer.json()["ErrorType"] == "SoServiceUnavailableException"
            assert xml.headers["Content-Type"].startswith("application/xml")
            assert 'sessionary_refusals_total{reason="Overloaded"}' in metrics
        assert (await client.get(AI)).status_code == 200


async def refused(client: httpx.AsyncClient) -> float:
    """How many requests this process has refused so far because it had enough to do."""
    shown = (await client.get("/metrics")).text
    found = re.search(r'sessionary_refusals_total{reason="Overloaded"} (.*)', shown)
    return float(found[1]) if found else 0.0


async def late(body: bytes, come: asyncio.Event) -> AsyncIterator[bytes]:
    """A body whose second half comes some time after the head."""
    yield body[:1]
    await come.wait()
    yield body[1:]


async def test_a_burst_is_let_in_up_to_the_limit_and_bodies_that_stay_away_keep_nobody_out(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "_TERM_S", 60.0)  # a slow machine's burst takes its time
    async with running(replace(settings, most_in_flight=FEW)) as (client, _):
        client.auth = httpx.BasicAuth("kim", PASSWORD)
        json = {"Content-Type": "application/json"}
        come, before = asyncio.Event(), await refused(client)
        asked = [
            asyncio.create_task(client.post(AI, content=late(b"{}", come), headers=json))
            for _ in range(5 * FEW)
        ]
        async with asyncio.timeout(patient(10.0)):
            # (A refusal is sent at once, but here its call ends only with its body.)
            while await refused(client) < before + 4 * FEW:
                await asyncio.sleep(0.01)
            monkeypatch.setattr(admission, "_TERM_S", 0.25)
            while (await client.get(AI)).status_code == 503:
                await asyncio.sleep(0.01)
        come.set()
        told = Counter([(await task).status_code for task in asked])
    assert told.keys() == {200, 503}
    assert FEW - 1 <= told[200] <= FEW  # (who looks at the metrics takes a place for a moment)


async def test_who_asks_too_often_is_refused_and_nobody_else(settings: Settings) -> None:
    slow = replace(settings, rate_limit=0.1, rate_burst_s=50.0)
    async with calling(slow) as client:
        told = [(await client.get(AI)).status_code for _ in range(8)]
        assert told == [200] * 5 + [429] * 3
        for path in VITAL:
            assert (await client.get(path)).status_code == 200, path
        answers = await client.get(AI), await client.get(CHAT)
        max_ = httpx.BasicAuth("max", PASSWORD)
        assert (await client.get(CHAT, auth=max_)).status_code == 200
        metrics = (await client.get("/metrics")).text
    assert answers[0].json()["responseStatus"]["errorCode"] == "TooManyRequests"
    for answer in answers:
        assert answer.status_code == 429
        assert 1 <= int(answer.headers["Retry-After"]) <= 10
    assert 'sessionary_refusals_total{reason="TooManyRequests"}' in metrics
    assert "sessionary_throttled_total" in metrics


async def test_a_flood_of_one_is_one_line(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with calling(replace(settings, rate_limit=0.01)) as client:
        for _ in range(20):
            await client.get(AI)
    lines = [each.getMessage() for each in caplog.records if "rate limit" in each.getMessage()]
    assert len(lines) == 2  # the first, and the count of the others as the worker ends
