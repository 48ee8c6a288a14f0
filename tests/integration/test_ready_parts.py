"""`GET /health/ready?verbose`: which part is not ready, in a word each."""

import asyncio
import time
from collections.abc import Mapping

import asyncpg
import pytest
from support.in_process import running
from support.patience import patient

from app.operations import projections
from app.settings import Settings

pytestmark = pytest.mark.usefixtures("people")
WELL = dict.fromkeys(("database", "schema", "keys", "followers", "serving"), "well")
UNKNOWN = {"keys": "unknown", "followers": "unknown"}


async def asked(
    settings: Settings, *, draining: bool = False, followers: str = "well"
) -> tuple[int, Mapping[str, object]]:
    """Ask a service, once its followers are where they should be; nobody has signed in."""
    end = time.monotonic() + patient(30.0)
    async with running(settings) as (client, service):
        service.draining = draining
        while True:
            answer = await client.get("/health/ready?verbose")
            if answer.json()["parts"]["followers"] == followers or time.monotonic() > end:
                break
            await asyncio.sleep(0.2)
        plain = await client.get("/health/ready")
        assert plain.status_code == answer.status_code
        assert answer.headers["content-type"].startswith("application/json")
        service.draining = False
        return answer.status_code, answer.json()


async def test_all_is_well(settings: Settings) -> None:
    status, told = await asked(settings)
    assert (status, told) == (200, {"ready": True, "reason": None, "parts": WELL})


async def test_a_service_that_is_about_to_end_says_so(settings: Settings) -> None:
    status, told = await asked(settings, draining=True)
    assert status == 503
    parts = WELL | {"database": "unknown", "serving": "wrong"}
    assert told == {"ready": False, "reason": "draining", "parts": parts}


async def test_a_follower_that_is_behind_does_not_make_it_unready(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projections, "BEHIND_S", -1.0)
    status, told = await asked(settings, followers="behind")
    assert (status, told["parts"]) == (200, WELL | {"followers": "behind"})


@pytest.mark.parametrize(
    ("spoils", "parts"),
    [
        (
            "DELETE FROM schema_migration"
            " WHERE number = (SELECT max(number) FROM schema_migration)",
            {"schema": "wrong", **UNKNOWN},
        ),
        (
            "UPDATE log_setting SET value = 'another' WHERE name = 'master_key_check'",
            {"keys": "wrong", "followers": "unknown"},
        ),
    ],
    ids=["an older schema", "another master key"],
)
async def test_a_log_that_does_not_fit_is_told_by_its_part(
    settings: Settings, owner: asyncpg.Connection, spoils: str, parts: Mapping[str, str]
) -> None:
    async with running(settings) as (client, _):
        await owner.execute(spoils)
        told = (await client.get("/health/ready?verbose")).json()
    seen = told["parts"]
    assert {name: seen[name] for name in parts} == parts


async def test_a_database_that_takes_no_writes_is_wrong(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    name = await owner.fetchval("SELECT current_database()")
    async with running(settings) as (client, _):
        await owner.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        await owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE 'sessionary %' AND datname = current_database()"
        )
        answer = await client.get("/health/ready?verbose")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["parts"]["database"] == "wrong"
