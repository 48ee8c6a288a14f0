"""The database refuses, falls silent, takes no writes, or is not there at all."""

import asyncio
import time
from urllib.parse import urlsplit

import asyncpg
import httpx
from support.gone import assert_unavailable
from support.load import PATIENCE_S
from support.patience import patient
from support.proxy import Proxy
from support.service_process import ServiceProcess, data_directory, free_port, sessionary

CHAT = "/api/v1/ChatSession"
BACK_S = 10.0
"""Within this all is well again, or the service has ended."""
LIVE_S = 1.0
"""What it takes to say that the process is there, which needs no database."""


async def timed(client: httpx.AsyncClient, method: str, path: str) -> tuple[httpx.Response, float]:
    """An answer, and the seconds that it took."""
    started = time.monotonic()
    body = {"purpose": "meanwhile", "CustomerAlias": "meanwhile", "name": "meanwhile"}
    answer = await client.request(method, path, json=body)
    return answer, time.monotonic() - started


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


async def test_a_database_that_takes_no_writes_makes_the_service_unready(
    store: str, client: httpx.AsyncClient, sessions: tuple[str, str]
) -> None:
    connection = await asyncpg.connect(store)
    name = urlsplit(store).path.removeprefix("/")
    try:
        await connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE starts_with(application_name, 'sessionary ')"
            " AND datname = current_database()"
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
    assert ended.stderr.splitlines()[-1].startswith("The database is not reachable: ")
    assert "Traceback" not in ended.stderr
