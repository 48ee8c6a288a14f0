"""The access log and `/ops/requests`: where the time of slow and failed requests went."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import asyncpg
import httpx
import pytest
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess, service

PERSON = "Kim Nobody"


@pytest.fixture(scope="module")
def told() -> Iterator[ServiceProcess]:
    """A service of two workers that tells of every request, and calls little slow."""
    options = ("--access-log=all", "--slow-request=0.2", "--log-format=json", "--log-level=error")
    with service("--workers=2", *options) as served:
        yield served


@pytest.fixture(scope="module")
def kim(told: ServiceProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=told.base_url, auth=ADMIN, timeout=patient(60.0)) as client:
        yield client


def lines(told: ServiceProcess, request_id: str) -> list[dict[str, Any]]:
    """The lines of a request, once there are any."""
    end = time.monotonic() + patient(20.0)
    while True:
        found = [json.loads(line) for line in told.log.splitlines() if request_id in line]
        if found or time.monotonic() > end:
            return found
        time.sleep(0.05)


def kept(kim: httpx.Client, *names: str) -> dict[str, dict[str, Any]]:
    """What is shown of some requests, once all are: other workers' come later."""
    end = time.monotonic() + patient(20.0)
    while True:
        shown = kim.get("/ops/requests").json()["requests"]
        found = {each["requestId"]: each for each in shown if each["requestId"] in names}
        if len(found) == len(names) or time.monotonic() > end:
            return found
        time.sleep(0.1)


async def held_up(told: ServiceProcess, send: threading.Thread, waiting: int) -> None:
    """Send while the log's head is locked; let go once an append has waited for a while."""
    owner = await asyncpg.connect(told.database_url)
    try:
        async with owner.transaction():
            await owner.execute("SELECT FROM log_partition FOR UPDATE")
            send.start()
            while await owner.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted") < waiting:
                await asyncio.sleep(0.01)
            await owner.execute("SELECT pg_sleep(0.3)")
    finally:
        await owner.close()


async def test_a_slow_command_tells_where_its_time_went(
    told: ServiceProcess, kim: httpx.Client
) -> None:
    made = kim.post("/ai/sessions", json={"purpose": PERSON}).json()["id"]

    def patch() -> None:
        headers = {"X-Request-Id": "slow-one"}
        kim.patch(f"/ai/sessions/{made}?purpose=x", json={"purpose": "y"}, headers=headers)

    sending = threading.Thread(target=patch)
    await held_up(told, sending, 1)
    sending.join()
    (line,) = lines(told, "slow-one")
    assert (line["logger"], line["level"], line["message"]) == (
        "sessionary.access", "WARNING", "Answered slowly"
    )  # fmt: skip
    assert line["worker"] in ("worker-1", "worker-2")
    named = {name: line[name] for name in ("face", "operation", "method", "route", "status")}
    assert named == {
        "face": "evo",
        "operation": "PatchAISession",
        "method": "PATCH",
        "route": "/ai/sessions/{sessionId}",
        "status": 200,
    }
    assert line["slow"] is True
    assert line["databaseMs"] >= 300
    parts = line["waitingMs"] + line["decidingMs"] + line["databaseMs"] + line["restMs"]
    assert parts == pytest.approx(line["ms"], abs=0.1)
    shown = kept(kim, "slow-one")["slow-one"]
    assert (shown["kind"], shown["actor"], shown["worker"]) == ("slow", "admin", line["worker"])
    assert shown["milliseconds"]["database"] == line["databaseMs"]


def test_refused_requests_of_all_workers_are_shown_by_each(
    told: ServiceProcess, kim: httpx.Client
) -> None:
    names = [f"refused-{number}" for number in range(8)]
    for name in names:  # each on a connection of its own: the workers share them
        headers = {"X-Request-Id": name}
        httpx.get(f"{told.base_url}/ai/sessions/none", auth=ADMIN, headers=headers)
    found = kept(kim, *names)
    assert {each["status"] for each in found.values()} == {404}
    assert {each["kind"] for each in found.values()} == {"refused"}
    for worker in {each["worker"] for each in found.values()}:
        assert worker in ("worker-1", "worker-2")
    operations = kim.get("/ops/requests").json()["operations"]
    (read,) = (each for each in operations if each["operation"] == "GetAISession")
    assert read["refused"] >= 8
    assert 0 < read["p50Ms"] <= read["p99Ms"]


def test_what_no_route_takes_and_what_persons_typed_is_in_no_line(
    told: ServiceProcess, kim: httpx.Client
) -> None:
    kim.get(f"/ai/nothing/{PERSON}?name={PERSON}", headers={"X-Request-Id": "no-route"})
    (line,) = lines(told, "no-route")
    assert line["status"] == 404
    assert not line.keys() & {"route", "operation", "face"}
    access = [line for line in told.log.splitlines() if "sessionary.access" in line]
    assert not any("Kim" in line or "Nobody" in line for line in access)


def test_people_get_a_page_and_programs_the_same_in_their_forms(kim: httpx.Client) -> None:
    headers = {"X-Request-Id": "on-the-page"}
    kim.get("/ai/sessions/none", headers=headers)
    kept(kim, "on-the-page")
    page = kim.get("/ops/requests", headers={"Accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")
    assert '<a href="/audit/events?request=on-the-page">' in page.text
    assert len(page.content) <= 60_000
    rows = [json.loads(line) for line in kim.get("/ops/requests.ndjson").text.splitlines()]
    assert "on-the-page" in {row["requestId"] for row in rows}
    table = kim.get("/ops/requests", params={"format": "csv"}).text.splitlines()
    assert table[0].split(",") == list(rows[0])


def test_only_operators_see_them(told: ServiceProcess) -> None:
    assert httpx.get(f"{told.base_url}/ops/requests").status_code == 401
    added = told.command(
        "users", "add", "anna", "--role", "Auditor", "--password-stdin", stdin="she looks on, only"
    )
    assert added.returncode == 0, added.stderr
    refused = httpx.get(f"{told.base_url}/ops/requests", auth=("anna", "she looks on, only"))
    assert refused.status_code == 403


def test_without_an_access_log_there_is_no_line(served: ServiceProcess) -> None:
    httpx.get(f"{served.base_url}/ai/nothing", auth=ADMIN)
    assert "sessionary.access" not in served.log
