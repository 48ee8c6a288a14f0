"""What is asked of an operator process, and how long a rebuild lasts."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx

from support.patience import patient
from support.service_process import ServiceProcess

SOON_S = 30.0
HOLD = 7_302
"""A lock that the scan of a rebuild needs before it takes up anything, so that a test says how long
it lasts: and so what is asked for meanwhile comes before all of its work."""
HELD_UP = f"""
CREATE SCHEMA IF NOT EXISTS tests;
CREATE OR REPLACE FUNCTION tests.hold_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared({HOLD});
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER hold_up BEFORE UPDATE OF claimed ON rebuild_range
   FOR EACH ROW EXECUTE FUNCTION tests.hold_up();
"""


def asked(client: httpx.Client, *projections: str, **more: object) -> str:
    """The path of a rebuild that is asked for."""
    answer = client.post("/ops/rebuilds", json={"projections": list(projections), **more})
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/ops/rebuilds/{answer.json()['id']}"
    return str(answer.headers["location"])


def once(client: httpx.Client, path: str, *states: str, **more: object) -> dict[str, Any]:
    """The rebuild, as soon as it is in one of these states."""
    deadline = time.monotonic() + patient(SOON_S)
    while True:
        found: dict[str, Any] = client.get(path).json()
        if found["state"] in states and all(found[name] == more[name] for name in more):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.02)


@asynccontextmanager
async def held_up(served: ServiceProcess) -> AsyncIterator[None]:
    """No rebuild takes up a range for as long as the block lasts."""
    owner = await asyncpg.connect(served.database_url)
    await owner.execute(HELD_UP)
    await owner.execute(f"SELECT pg_advisory_lock({HOLD})")
    try:
        yield
    finally:
        await owner.close()
