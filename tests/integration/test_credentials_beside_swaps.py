"""Whoever is let in while a rebuild swaps the table of principals is found in the new one."""

import asyncio

import asyncpg
import pytest
from support.principals import basic

from app.auth.verification import Principals

SWAPPED = """
    CREATE TABLE principal_fresh (LIKE principal INCLUDING ALL);
    INSERT INTO principal_fresh
       (partition, stream_id, version, position,
        created_by, created_at, modified_by, modified_at, doc, search)
    SELECT partition, stream_id, version, position,
        created_by, created_at, modified_by, modified_at, doc, search
      FROM principal;
    ALTER TABLE principal RENAME TO principal_before;
    ALTER TABLE principal_fresh RENAME TO principal;
"""


@pytest.mark.parametrize("scheme", ["basic", "token"])
async def test_who_waits_for_a_swap_is_let_in(
    principals: Principals, token: str, owner: asyncpg.Connection, scheme: str
) -> None:
    given = basic("kim", "right as rain") if scheme == "basic" else b"Bearer " + token.encode()
    async with owner.transaction():
        await owner.execute("LOCK TABLE principal IN ACCESS EXCLUSIVE MODE")
        letting_in = asyncio.create_task(principals.authenticate(given))
        while not await owner.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            await asyncio.sleep(0.01)
        await owner.execute(SWAPPED)
    assert (await letting_in).name == "kim"
