"""Behind pgbouncer in transaction mode: no statement is bound to a connection, no setting lost.

TEST_PGBOUNCER=1 sends the service of all integration tests through it.
"""

import asyncio

import asyncpg
import httpx
import pytest
from support.in_process import calling

from app.maintenance.own_session import has_own_session
from app.maintenance.store import Connection, connected
from app.maintenance.swaps import without_swaps
from app.maintenance.urls import UnusableDatabase
from app.rebuild.swap import alone
from app.settings import Settings

pytestmark = pytest.mark.usefixtures("people")

AI, CHAT = "/ai/sessions", "/api/v1/ChatSession"
CLIENTS = 16
"""More than the pooler has connections, so that these change hands."""


async def conversation(client: httpx.AsyncClient, number: int) -> None:
    key = {"Idempotency-Key": f"{number}"}
    made = await client.post(AI, json={"purpose": "0"}, headers=key)
    again = await client.post(AI, json={"purpose": "0"}, headers=key)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.content == made.content
    path = f"{AI}/{made.json()['id']}"
    for version in range(1, 4):
        changed = await client.patch(path, json={"purpose": f"{version}"})
        assert changed.headers["ETag"] == f'"{version + 1}"'
        assert (await client.get(path)).content == changed.content
    chat = await client.post(CHAT, json={"CustomerName": f"{number}"})
    path = f"{CHAT}/{chat.json()['ChatSessionId']}"
    patch = [{"op": "replace", "path": "/CustomerName", "value": f"Sam {number}"}]
    renamed = await client.patch(path, json=patch)
    assert renamed.status_code == 200, renamed.text
    assert (await client.get(path)).content == renamed.content
    for path in (AI, CHAT):
        listed = await client.get(path)
        assert listed.status_code == 200, listed.text


async def test_many_callers_share_few_connections(
    pooled: Settings, owner: asyncpg.Connection
) -> None:
    async with calling(pooled) as client, asyncio.TaskGroup() as group:
        for number in range(CLIENTS):
            group.create_task(conversation(client, number))
    count = "SELECT count(*) FROM stored_events WHERE topic LIKE 'ai_session%'"
    assert await owner.fetchval(count) == CLIENTS * 4


async def test_a_connection_has_the_settings_that_the_service_needs(
    pooled: Settings,
) -> None:
    connection = await asyncpg.connect(pooled.database_url, statement_cache_size=0)
    try:
        assert await connection.fetchval("SHOW enable_seqscan") == "off"
        assert await connection.fetchval("SHOW statement_timeout") == "8s"
        assert await connection.fetchval("SHOW default_transaction_isolation") == "read committed"
    finally:
        await connection.close()


async def test_it_is_in_transaction_mode_with_fewer_connections_than_callers(
    pooled: Settings,
) -> None:
    """Else these tests would prove nothing."""
    connections = [
        await asyncpg.connect(pooled.database_url, statement_cache_size=0) for _ in range(8)
    ]
    try:
        pids = {await each.fetchval("SELECT pg_backend_pid()") for each in connections}
        assert len(pids) < len(connections)
    finally:
        for each in connections:
            await each.close()


async def test_a_lock_of_a_session_is_not_taken_through_it(
    pooled: Settings, store: Connection
) -> None:
    assert await has_own_session(store)
    async with connected(pooled.database_url, 0) as through:
        for lock in (alone(through), without_swaps(through)):
            with pytest.raises(UnusableDatabase, match="pooler"):
                async with lock:
                    pass
