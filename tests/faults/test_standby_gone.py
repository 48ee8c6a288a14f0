"""Commits wait for a standby that is not there: nothing piles up, readers go on, nothing is lost.

SESSIONARY_FAULT_STANDBY_S says for how long: a few seconds in a normal run.
"""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import asyncpg
import httpx
import psutil
import pytest
from support.patience import patient
from support.service_process import ADMIN, STARTS_S, ServiceProcess, no_difference
from support.service_process import service as running_service

from app.settings import Settings

GONE_S = float(os.environ.get("SESSIONARY_FAULT_STANDBY_S", "5"))
CALLERS = 8
PLACES = Settings(database_url="", master_key=b"").pool_size
LIST_PLACES = Settings(database_url="", master_key=b"").list_pool_size
CRASH_LOOP_S = 6.0
"""Of a worker that lives for less, the server thinks that the next one will not live either."""
BACKENDS = """
SELECT count(*)
  FROM pg_stat_activity
 WHERE starts_with(application_name, 'sessionary ')
"""
END_THOSE_WHO_WAIT = """
SELECT pg_terminate_backend(pid, 5000)
  FROM pg_stat_activity
 WHERE wait_event = 'SyncRep'
"""


@pytest.fixture(scope="module")
def service() -> Iterator[ServiceProcess]:
    """A service whose chats nobody sweeps away."""
    with running_service("--customer-timeout=0") as started:
        yield started


@pytest.fixture
async def client(service: ServiceProcess) -> AsyncIterator[httpx.AsyncClient]:
    """Calls the service as its administrator."""
    async with httpx.AsyncClient(
        base_url=service.base_url, auth=ADMIN, timeout=patient(30.0)
    ) as made:
        yield made


async def as_owner(service: ServiceProcess, *statements: str) -> object:
    """The value that the last of some statements gives, on a connection of its own."""
    connection = await asyncpg.connect(service.database_url)
    try:
        for statement in statements:
            found = await connection.fetchval(statement)
        return found
    finally:
        await connection.close()


@asynccontextmanager
async def no_standby(service: ServiceProcess) -> AsyncIterator[None]:
    """While the block lasts, each commit waits for a standby that does not exist."""
    reload = "SELECT pg_reload_conf()"
    names = "SELECT current_setting('synchronous_standby_names') = 'ghost'"
    await as_owner(service, "ALTER SYSTEM SET synchronous_standby_names = 'ghost'", reload)
    await until(lambda: as_owner(service, names))
    try:
        yield
    finally:
        await as_owner(service, "ALTER SYSTEM RESET synchronous_standby_names", reload)


async def until(true: Callable[[], Awaitable[object]]) -> None:
    deadline = time.monotonic() + patient(STARTS_S)
    while not await true():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def killed_worker(service: ServiceProcess) -> psutil.Process:
    """The worker, which was killed; the service goes on unless the one before had just been."""
    (worker,) = service.workers()
    await asyncio.sleep(max(0.0, worker.create_time() + CRASH_LOOP_S - time.time()))
    worker.kill()
    return worker


async def readiness(client: httpx.AsyncClient) -> tuple[int, str]:
    answer = await client.get("/health/ready")
    return answer.status_code, answer.text


async def test_commits_that_wait_hold_no_more_than_their_places(
    service: ServiceProcess, client: httpx.AsyncClient
) -> None:
    made = [await client.post("/ai/sessions", json={"purpose": "0"}) for _ in range(CALLERS)]
    paths = [f"/ai/sessions/{answer.json()['id']}" for answer in made]
    told: Counter[int] = Counter()
    going_on = True

    async def change(path: str) -> None:
        number = 0
        while going_on:
            number += 1
            answer = await client.patch(path, json={"purpose": f"{number}"})
            assert answer.status_code in (409, 503), answer.text
            assert answer.headers["Retry-After"]
            told[answer.status_code] += 1

    most = 0
    async with no_standby(service), asyncio.TaskGroup() as group:
        for path in paths:
            group.create_task(change(path))
        ends = time.monotonic() + GONE_S
        while time.monotonic() < ends:
            most = max(most, int(str(await as_owner(service, BACKENDS))))
            assert (await client.get(paths[0])).status_code == 200
            assert (await client.get("/ai/sessions")).status_code == 200
            assert (await client.get("/health/live")).status_code == 200
            await asyncio.sleep(0.05)
        status, why = await readiness(client)
        assert (status, why) == (503, "not ready: The database does not answer a write in time\n")
        going_on = False
    assert told[503]
    assert most <= PLACES + LIST_PLACES
    await until(lambda: ready(client))
    for path in paths:
        answer = await client.patch(path, json={"purpose": "after"})
        assert answer.status_code == 200, answer.text
        assert (await client.get(path)).content == answer.content
    assert await asyncio.to_thread(no_difference, service) == []
    assert service.log.count("Writes fail: ") == 1
    assert service.log.count("Writes succeed again") == 1


async def ready(client: httpx.AsyncClient) -> bool:
    return (await readiness(client))[0] == 200


async def test_a_retry_is_not_acknowledged_before_the_standby_has_it(
    service: ServiceProcess, client: httpx.AsyncClient
) -> None:
    """The first try is committed here and waits: to end it would make it count."""
    key = {"Idempotency-Key": "ghost"}
    body = {"purpose": "once"}
    async with no_standby(service):
        for _ in range(3):
            answer = await client.post("/ai/sessions", json=body, headers=key)
            assert answer.status_code == 503, answer.text
    await until(lambda: ready(client))
    done = await client.post("/ai/sessions", json=body, headers=key)
    again = await client.post("/ai/sessions", json=body, headers=key)
    assert (done.status_code, again.content) == (200, done.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert await asyncio.to_thread(no_difference, service) == []


async def test_what_no_standby_has_is_not_found_done_by_its_key(
    service: ServiceProcess, client: httpx.AsyncClient
) -> None:
    """Its backend was ended while it waited, as by a crash: it is seen, and may yet be lost."""
    made = await client.post("/ai/sessions", json={"purpose": "before"})
    path, body = f"/ai/sessions/{made.json()['id']}", {"purpose": "cut"}
    # (With the condition, a retry is refused first, and then found by its key.)
    key = {"Idempotency-Key": "cut", "If-Match": '"1"'}
    async with no_standby(service):

        async def is_seen() -> bool:
            # (A try may have waited for another's lock: then it was not done, and goes once more.)
            assert (await client.patch(path, json=body, headers=key)).status_code == 503
            await as_owner(service, END_THOSE_WHO_WAIT)
            return (await client.get(path)).headers["ETag"] == '"2"'

        await until(is_seen)
        # A worker that remembers nothing refuses the retry, and only then looks for its key.
        await killed_worker(service)

        async def is_back() -> bool:
            try:
                return (await client.get(path)).headers["ETag"] == '"2"'
            except httpx.TransportError:
                return False

        await until(is_back)
        for _ in range(2):
            assert (await client.patch(path, json=body, headers=key)).status_code == 503
    await until(lambda: ready(client))
    done = await client.patch(path, json=body, headers=key)
    assert (done.status_code, done.headers["Idempotent-Replayed"]) == (200, "true")
    assert await asyncio.to_thread(no_difference, service) == []


async def test_those_who_sign_in_take_no_place_of_readers(
    service: ServiceProcess, client: httpx.AsyncClient
) -> None:
    made = await client.post("/ai/sessions", json={})
    name, password = ADMIN
    credentials = {"provider": "credentials", "userName": name, "password": password}
    async with no_standby(service):
        signed = await asyncio.gather(
            *(client.post("/auth/credentials", json=credentials) for _ in range(2 * PLACES))
        )
        assert {answer.status_code for answer in signed} == {503}
        assert (await client.get(f"/ai/sessions/{made.json()['id']}")).status_code == 200
        assert int(str(await as_owner(service, BACKENDS))) <= PLACES + LIST_PLACES
    await until(lambda: ready(client))
    assert (await client.post("/auth/credentials", json=credentials)).status_code == 200


async def test_a_worker_that_starts_meanwhile_is_not_ready(
    service: ServiceProcess, client: httpx.AsyncClient
) -> None:
    async with no_standby(service):
        before = await killed_worker(service)

        async def another() -> bool:
            return any(worker != before for worker in service.workers())

        async def answers() -> bool:
            try:
                return (await client.get("/health/live")).status_code == 200
            except httpx.TransportError:
                return False

        await until(another)
        await until(answers)
        assert (await readiness(client))[0] == 503
    await until(lambda: ready(client))


async def test_a_full_disk_is_told(service: ServiceProcess, client: httpx.AsyncClient) -> None:
    """By a trigger that fails as the disk does: an error from within a real write."""
    made = await client.post("/ai/sessions", json={})
    path = f"/ai/sessions/{made.json()['id']}"
    await as_owner(
        service,
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN RAISE SQLSTATE '53100'; END$$",
        "CREATE TRIGGER full_disk BEFORE INSERT ON room EXECUTE FUNCTION full_disk()",
        "CREATE TRIGGER full_disk BEFORE INSERT ON stored_events EXECUTE FUNCTION full_disk()",
    )
    try:
        answer = await client.patch(path, json={"purpose": "no room"})
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert await readiness(client) == (503, "not ready: The database's disk is full\n")
        assert (await client.get("/health/live")).status_code == 200
        assert (await client.get(path)).status_code == 200
    finally:
        await as_owner(service, "DROP FUNCTION full_disk() CASCADE")
    assert await ready(client)
    assert (await client.patch(path, json={"purpose": "room"})).status_code == 200
