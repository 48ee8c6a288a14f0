"""Who is refused by a worker with more to do than it gets done, and by one that counts requests."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import httpx
import pytest
from msgspec.structs import replace
from support.in_process import PASSWORD, calling
from support.patience import patient

from app.settings import AdmissionLimits, Settings

pytestmark = pytest.mark.usefixtures("people")

AI, CHAT = "/ai/sessions", "/api/v1/ChatSession"
FEW = AdmissionLimits(pass_s=0.004, persist_s=0.05, in_flight=4)
"""So strict that a test can overload a worker."""
VITAL = ("/health/live", "/health/ready", "/metrics")


@asynccontextmanager
async def held(owner: asyncpg.Connection, client: httpx.AsyncClient) -> AsyncIterator[None]:
    """More requests in flight than FEW: they wait for a lock, and are carried out in the end."""
    paths = [
        f"{AI}/{(await client.post(AI, json={})).json()['id']}" for _ in range(FEW.in_flight + 1)
    ]
    async with asyncio.TaskGroup() as group, owner.transaction():
        await owner.execute("SELECT FROM log_partition FOR UPDATE")
        waiting = [group.create_task(client.patch(path, json={"purpose": "x"})) for path in paths]
        yield
    assert {task.result().status_code for task in waiting} == {200}


@asynccontextmanager
async def busy() -> AsyncIterator[None]:
    """Passes of the loop that take long."""

    async def work() -> None:
        while True:
            time.sleep(2 * FEW.pass_s)
            await asyncio.sleep(0)

    task = asyncio.create_task(work())
    yield
    task.cancel()


async def refused(client: httpx.AsyncClient, path: str) -> httpx.Response:
    """The first answer that is not a success."""
    async with asyncio.timeout(patient(10.0)):
        while (answer := await client.get(path)).status_code == 200:
            pass
    return answer


async def test_a_busy_worker_refuses_in_the_form_of_each_face(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    async with calling(replace(settings, admission=FEW, store_deadline_s=60.0)) as client:
        async with held(owner, client):
            async with busy():
                answers = [await refused(client, AI), await client.post(AI, json={})]
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


async def test_few_requests_are_carried_out_however_busy_the_worker_is(settings: Settings) -> None:
    async with calling(replace(settings, admission=FEW, store_deadline_s=60.0)) as client, busy():
        for _ in range(10):
            assert (await client.post(AI, json={})).status_code == 200


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
