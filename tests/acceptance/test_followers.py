"""A service keeps the histories and the index of events beside its requests, whoever is killed."""

import asyncio

import asyncpg
import httpx
from support.patience import patient
from support.service_process import ADMIN, service

BEHIND = """
SELECT sum(h.position - coalesce(f.position, 0))::integer
  FROM log_partition AS h
  LEFT JOIN follower_checkpoint AS f ON f.partition = h.partition AND f.name = 'history'
"""
CAUGHT_UP_S = 15.0
"""On a quiet machine; the lease of a killed worker lasts 5 s."""


async def caught_up(owner: asyncpg.Connection) -> bool:
    for _ in range(round(patient(CAUGHT_UP_S) / 0.05)):
        if await owner.fetchval(BEHIND) == 0:
            return True
        await asyncio.sleep(0.05)
    return False


async def test_another_worker_follows_when_the_one_that_did_is_killed() -> None:
    with service("--workers=2") as served:
        owner = await asyncpg.connect(served.database_url)
        for worker in (None, *served.workers()):
            if worker is not None:
                worker.kill()
                served.wait_until_ready()
            # (A connection to the killed worker would be of no use.)
            async with httpx.AsyncClient(base_url=served.base_url, auth=ADMIN) as client:
                for _ in range(5):
                    made = await client.post("/ai/sessions", json={}, timeout=patient(30.0))
                    assert made.status_code == 200
            assert await caught_up(owner), served.log
        sessions = await owner.fetchval("SELECT count(*) FROM ai_session_info")
        kept = "SELECT count(*) FROM ai_session_info_history"
        streams = "SELECT count(DISTINCT stream_id) FROM ai_session_info_history"
        assert [await owner.fetchval(kept), await owner.fetchval(streams)] == [sessions] * 2
        await owner.close()
