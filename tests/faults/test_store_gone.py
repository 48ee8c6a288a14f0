"""The database refuses, drops its connections, falls silent, or its answer to a commit is lost."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import httpx
import pytest
from support import database
from support.load import PATIENCE_S
from support.patience import patient
from support.proxy import Proxy
from support.proxy import proxy as proxy_before
from support.service_process import (
    ADMIN,
    ServiceProcess,
    data_directory,
    end,
    free_port,
    sessionary,
)

CHAT = "/api/v1/ChatSession"
BACK_S = 10.0
"""Within this all is well again, or the service has ended."""
LIVE_S = 1.0
"""What it takes to say that the process is there, which needs no database."""


@pytest.fixture(scope="module")
async def store(server_url: str, template: str) -> AsyncIterator[str]:
    """A migrated database for this module."""
    name = f"sessionary_test_{uuid4().hex}"
    async with database.created(server_url, name, template) as url:
        yield url


@pytest.fixture(scope="module")
async def proxy(store: str) -> AsyncIterator[Proxy]:
    """What stands between the service and its database."""
    async with proxy_before(store, free_port()) as between:
        yield between


@pytest.fixture(scope="module")
async def service(proxy: Proxy) -> AsyncIterator[ServiceProcess]:
    """A service that reaches its database through the proxy."""
    with data_directory() as folder:
        key_file = Path(folder, "master.key")
        key_file.write_text(database.MASTER_KEY_FILE)
        started = ServiceProcess(
            folder / "data",
            f"--database-url={proxy.url}",
            f"--master-key-file={key_file}",
            "--allow-unsafe-database",
        )
        try:
            await asyncio.to_thread(started.start)
            yield started
            assert await asyncio.to_thread(started.stop) == 0, started.log
        finally:
            await asyncio.to_thread(end, started)


@pytest.fixture(scope="module")
async def client(service: ServiceProcess) -> AsyncIterator[httpx.AsyncClient]:
    """Calls the service as its administrator."""
    async with httpx.AsyncClient(
        base_url=service.base_url, auth=ADMIN, timeout=patient(60.0)
    ) as made:
        yield made


@pytest.fixture
async def sessions(client: httpx.AsyncClient) -> tuple[str, str]:
    """A fresh session of each face."""
    one = await client.post("/ai/sessions", json={"purpose": "before"})
    other = await client.post(CHAT, json={"CustomerAlias": "before"})
    return f"/ai/sessions/{one.json()['id']}", f"{CHAT}/{other.json()['ChatSessionId']}"


async def events(store: str) -> int:
    """How many the log holds."""
    connection = await asyncpg.connect(store)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM stored_events"))
    finally:
        await connection.close()


async def timed(client: httpx.AsyncClient, method: str, path: str) -> tuple[httpx.Response, float]:
    """An answer, and the seconds that it took."""
    started = time.monotonic()
    body = {"purpose": "meanwhile", "CustomerAlias": "meanwhile", "name": "meanwhile"}
    answer = await client.request(method, path, json=body)
    return answer, time.monotonic() - started


def assert_unavailable(answer: httpx.Response, took_s: float) -> None:
    """In the face's shape, with the word when to come back, and soon."""
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) >= 1
    if answer.request.url.path.startswith("/api/v1"):
        assert list(answer.json()) == ["Error", "ErrorType", "ErrorMessage", "ErrorSource"]
    else:
        assert answer.json()["responseStatus"]["errorCode"] == "ServiceUnavailable"
    assert took_s < patient(PATIENCE_S), f"{answer.request.method} {answer.request.url.path}"


async def everything_says_unavailable(client: httpx.AsyncClient, sessions: tuple[str, str]) -> None:
    """Every route of both faces, for some while, and many at once."""
    routes = [
        *(("GET", path) for path in (*sessions, "/accounts")),
        *(("PATCH", sessions[0]), ("PUT", sessions[1])),
        *(("POST", path) for path in ("/ai/sessions", CHAT, "/accounts")),
    ]
    for _ in range(2):
        for answer, took_s in await asyncio.gather(
            *(timed(client, *route) for route in routes * 4)
        ):
            assert_unavailable(answer, took_s)
        ready, took_s = await timed(client, "GET", "/health/ready")
        assert ready.status_code == 503
        assert "Retry-After" in ready.headers
        assert took_s < patient(PATIENCE_S)
        live, took_s = await timed(client, "GET", "/health/live")
        assert (live.status_code, took_s < patient(LIVE_S)) == (200, True)


async def served_again(client: httpx.AsyncClient, sessions: tuple[str, str]) -> float:
    """Wait until all is well by itself; the seconds until then."""
    started = time.monotonic()
    while (await client.get("/health/ready")).status_code != 200:
        assert time.monotonic() < started + patient(BACK_S)
        await asyncio.sleep(0.05)
    for _ in range(5):
        for method, path in (("PATCH", sessions[0]), ("PUT", sessions[1])):
            answer = await client.request(
                method, path, json={"purpose": "after", "CustomerAlias": "after"}
            )
            assert answer.status_code == 200, answer.text
            assert (await client.get(path)).content == answer.content
    return time.monotonic() - started


async def test_connections_refused(
    proxy: Proxy, client: httpx.AsyncClient, sessions: tuple[str, str]
) -> None:
    await proxy.refuse()
    try:
        await everything_says_unavailable(client, sessions)
    finally:
        await proxy.accept()
    await served_again(client, sessions)


async def test_many_creations_at_once_are_all_told_soon(
    proxy: Proxy, client: httpx.AsyncClient, sessions: tuple[str, str]
) -> None:
    """More than there are numbers drawn ahead, while the caller's password is still remembered."""
    proxy.fall_silent()
    try:
        for answer, took_s in await asyncio.gather(
            *(timed(client, "POST", CHAT) for _ in range(80))
        ):
            assert_unavailable(answer, took_s)
    finally:
        proxy.speak_again()
    await served_again(client, sessions)


async def test_a_database_that_falls_silent(
    proxy: Proxy, client: httpx.AsyncClient, sessions: tuple[str, str]
) -> None:
    proxy.fall_silent()
    try:
        await everything_says_unavailable(client, sessions)
    finally:
        proxy.speak_again()
    await served_again(client, sessions)


async def test_pick_ups_of_one_agent_do_not_wait_one_behind_the_other(
    proxy: Proxy, client: httpx.AsyncClient, sessions: tuple[str, str]
) -> None:
    assert (await client.get(sessions[1])).status_code == 200  # who calls is known by now
    proxy.fall_silent()
    try:
        asked = [timed(client, "POST", f"{sessions[1]}/Pickup") for _ in range(12)]
        for answer, took_s in await asyncio.gather(*asked):
            assert_unavailable(answer, took_s)
    finally:
        proxy.speak_again()
    await served_again(client, sessions)


async def test_connections_that_break_are_replaced_unnoticed(
    proxy: Proxy, client: httpx.AsyncClient, sessions: tuple[str, str]
) -> None:
    for number in range(10):
        await proxy.cut()
        answer = await client.patch(sessions[0], json={"purpose": f"after cut {number}"})
        assert answer.status_code == 200
        await proxy.cut()
        assert (await client.get(sessions[0])).content == answer.content


async def test_connections_cut_in_the_middle_of_work_lose_and_double_nothing(
    store: str, proxy: Proxy, client: httpx.AsyncClient
) -> None:
    before = await events(store)
    made: list[str] = []

    async def post(number: int) -> None:
        headers = {"Idempotency-Key": str(uuid4())}
        while True:
            answer = await client.post(
                "/ai/sessions", json={"purpose": str(number)}, headers=headers
            )
            if answer.status_code == 200:
                made.append(answer.json()["id"])
                return
            assert answer.status_code in (409, 503), answer.text
            assert "Retry-After" in answer.headers

    async with asyncio.TaskGroup() as group:
        for number in range(300):
            group.create_task(post(number))
            if number % 30 == 0:
                await asyncio.sleep(0.02)
                await proxy.cut()
    assert len(set(made)) == 300
    assert await events(store) == before + 300


@pytest.mark.parametrize("keyed", [True, False], ids=["with a key", "without"])
async def test_a_commit_whose_reply_is_lost_once_is_found_out_by_the_service(
    store: str, proxy: Proxy, client: httpx.AsyncClient, keyed: bool
) -> None:
    before, mark = await events(store), uuid4().hex
    headers = {"X-Correlation-Id": mark} | ({"Idempotency-Key": mark} if keyed else {})
    proxy.swallow_reply(mark.encode())
    answer = await client.post("/ai/sessions", json={"purpose": "once"}, headers=headers)
    assert proxy.swallowed == 1
    assert answer.status_code == 200, answer.text
    assert await events(store) == before + 1
    assert (await client.get(f"/ai/sessions/{answer.json()['id']}")).content == answer.content


async def test_a_commit_whose_reply_is_never_seen_is_done_once_when_the_client_asks_again(
    store: str, proxy: Proxy, client: httpx.AsyncClient, sessions: tuple[str, str]
) -> None:
    before = await events(store)
    for method, path in (("POST", "/ai/sessions"), ("PATCH", sessions[0]), ("PUT", sessions[1])):
        mark = uuid4().hex
        headers = {"Idempotency-Key": mark}
        body = {"purpose": mark[:8], "CustomerAlias": mark[:8]}
        proxy.swallow_reply(mark.encode(), for_ever=True)
        started = time.monotonic()
        lost = await client.request(method, path, json=body, headers=headers)
        assert proxy.swallowed >= 1
        assert_unavailable(lost, time.monotonic() - started)
        proxy.swallow_nothing()
        found = await client.request(method, path, json=body, headers=headers)
        assert found.status_code == 200
        assert found.headers["Idempotent-Replayed"] == "true"
        assert mark[:8] in found.text
    assert await events(store) == before + 3


async def test_a_session_killed_by_the_administrator_is_replaced_unnoticed(
    store: str, client: httpx.AsyncClient, sessions: tuple[str, str]
) -> None:
    connection = await asyncpg.connect(store)
    try:
        for number in range(5):
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'sessionary' AND datname = current_database()"
            )
            answer = await client.patch(sessions[0], json={"purpose": f"killed {number}"})
            assert answer.status_code == 200, answer.text
    finally:
        await connection.close()


async def test_a_database_that_takes_no_writes_makes_the_service_unready(
    store: str, client: httpx.AsyncClient, sessions: tuple[str, str]
) -> None:
    connection = await asyncpg.connect(store)
    name = urlsplit(store).path.removeprefix("/")
    try:
        await connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'sessionary' AND datname = current_database()"
        )
        assert_unavailable(*await timed(client, "PATCH", sessions[0]))
        assert (await client.get("/health/ready")).status_code == 503
    finally:
        await connection.execute("SET default_transaction_read_only = off")
        await connection.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
        await connection.close()
    await served_again(client, sessions)


async def test_a_silent_database_does_not_keep_the_service_from_ending(
    proxy: Proxy, service: ServiceProcess, client: httpx.AsyncClient, sessions: tuple[str, str]
) -> None:
    proxy.fall_silent()
    try:
        asked = asyncio.create_task(timed(client, "PATCH", sessions[0]))
        await asyncio.wait_for(proxy.held.wait(), patient(BACK_S))
        started = time.monotonic()
        assert await asyncio.to_thread(service.stop) == 0
        assert time.monotonic() - started < patient(BACK_S)
        assert_unavailable(*await asked)
    finally:
        proxy.speak_again()
    await asyncio.to_thread(service.start)


def test_a_service_that_finds_no_database_says_so_and_ends() -> None:
    with data_directory() as folder:
        ended = sessionary(
            "serve",
            f"--database-url=postgresql://nobody@127.0.0.1:{free_port()}/nothing",
            f"--data-dir={folder}",
        )
    assert (ended.returncode, ended.stdout) == (3, "")
    assert ended.stderr.startswith("The database is not reachable: ")
    assert "Traceback" not in ended.stderr
