"""Connections to the database break, and its answer to a commit is lost."""

import asyncio
import time
from uuid import uuid4

import asyncpg
import httpx
import pytest
from support.gone import assert_unavailable
from support.proxy import Proxy


async def events(store: str) -> int:
    """How many the log holds."""
    connection = await asyncpg.connect(store)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM stored_events"))
    finally:
        await connection.close()


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
    headers = {"Idempotency-Key": mark} if keyed else {}
    proxy.swallow_reply(b"ai_session.created")
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
                " WHERE starts_with(application_name, 'sessionary ')"
                " AND datname = current_database()"
            )
            answer = await client.patch(sessions[0], json={"purpose": f"killed {number}"})
            assert answer.status_code == 200, answer.text
    finally:
        await connection.close()
