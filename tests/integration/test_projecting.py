"""A projection of the library as a follower: exactly once, whoever is killed, and in order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from uuid import UUID

import asyncpg
import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace
from support import given
from support.database import ONE_PARTITION, SEVERAL, write_master_key
from support.histories import mixed
from support.purposes import PurposeCounts, Purposes, expected, kept

from app.cli.main import main
from app.followers import follower as following
from app.followers.library import running
from app.followers.quarantine import ask_redrive
from app.maintenance.store import Connection
from app.operations.projections import projections
from app.operations.stuck import stuck
from app.service import Service
from app.settings import Settings

PARTITIONS = pytest.mark.parametrize("partitions", [1, SEVERAL], ids=["one", "several"])
WAITING = "SELECT stream_id, version FROM quarantine WHERE follower = 'purposes'"


class Others(PurposeCounts):
    """The same under another name."""

    name = "others"


@pytest.fixture
def as_owner(settings: Settings, database_url: str) -> Settings:
    return replace(settings, database_url=database_url)


async def waiting(owner: asyncpg.Connection) -> dict[UUID, int]:
    """The version at which each stream waits."""
    return dict(map(tuple, await owner.fetch(WAITING)))


async def catch_up(settings: Settings) -> None:
    await running.catch_up(settings, PurposeCounts, Purposes)


@PARTITIONS
async def test_it_takes_up_each_event_once(
    service: Service, owner: asyncpg.Connection, as_owner: Settings
) -> None:
    for part in (1, 2):
        await mixed(service, part, 5)
        await catch_up(as_owner)
        assert await kept(owner) == await expected(service)
    shown = [each for each in await projections(service.pool) if each.name == "purposes"]
    assert [(each.lag_events, each.state) for each in shown] == [(0, "following")] * len(shown)


async def test_two_of_them_follow_at_once(
    service: Service, owner: asyncpg.Connection, as_owner: Settings
) -> None:
    both = [
        running.catch_up(as_owner, projection, Purposes) for projection in (PurposeCounts, Others)
    ]
    await mixed(service, 1, 10)
    await asyncio.gather(*both)
    assert await kept(owner) == await expected(service)
    assert await kept(owner, "others") == await expected(service)


async def test_nothing_is_lost_or_doubled_by_processes_that_are_killed_and_that_race(
    service: Service,
    owner: asyncpg.Connection,
    as_owner: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(following, "BATCH_EVENTS", 7)
    random = Random(3)
    async with AsyncExitStack() as stack:
        followers = [
            await stack.enter_async_context(running.opened(as_owner, PurposeCounts, Purposes))
            for _ in range(3)
        ]
        writing = asyncio.ensure_future(mixed(service, 3, 40))
        rounds = 0
        while not writing.done() or rounds < 20:
            racing = [asyncio.ensure_future(each.round()) for each in followers]
            await asyncio.sleep(random.random() * 0.05)
            await owner.execute("UPDATE lease SET until = now() WHERE name = 'follow_purposes'")
            await asyncio.sleep(random.random() * 0.05)
            for each in racing:
                if random.random() < 0.5:
                    each.cancel()
            if random.random() < 0.3:  # as when a process dies in its transaction
                await owner.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'sessionary projection'"
                    " AND datname = current_database()"
                )
            await asyncio.gather(*racing, return_exceptions=True)
            rounds += 1
        await writing
    await catch_up(as_owner)
    assert await kept(owner) == await expected(service)


@pytest.mark.parametrize("purpose", ["poison", "refused"], ids=["by itself", "by its table"])
@ONE_PARTITION
async def test_what_it_refuses_holds_up_that_session_only(
    service: Service,
    owner: asyncpg.Connection,
    store: Connection,
    as_owner: Settings,
    monkeypatch: pytest.MonkeyPatch,
    purpose: str,
) -> None:
    monkeypatch.setattr(following, "BATCH_EVENTS", 3)
    bad = given.session_of(await given.open_ai_session(service))
    await given.patch_ai_session(service, bad, purpose)
    for number in range(8):
        await given.open_ai_session(service)
        await given.patch_ai_session(service, bad, f"later {number}")
    await catch_up(as_owner)
    rest = await expected(service)
    assert await waiting(owner) == {UUID(bad): 2}
    assert await kept(owner) == {**rest, UUID(bad): ("triage", 1)}
    (found,) = await stuck(service.pool)
    assert bad in found.sentence
    assert found.position == "0:2"
    await ask_redrive(store, "purposes")
    await catch_up(as_owner)
    assert await waiting(owner) == {UUID(bad): 2}
    monkeypatch.setattr(PurposeCounts, "poison", "nothing is")
    await owner.execute("ALTER TABLE projection_purposes.purpose DROP CONSTRAINT refused")
    await ask_redrive(store, "purposes")
    await catch_up(as_owner)
    assert await waiting(owner) == {}
    assert await kept(owner) == rest


async def test_a_stream_without_its_key_holds_up_no_other(
    service: Service, owner: asyncpg.Connection, as_owner: Settings
) -> None:
    first = given.session_of(await given.open_ai_session(service))
    await owner.execute("DELETE FROM stream_key")
    second = given.session_of(await given.open_ai_session(service))
    await catch_up(as_owner)
    assert await waiting(owner) == {UUID(first): 1}
    assert await kept(owner) == {UUID(second): ("triage", 1)}


@pytest.fixture
async def followed(
    service: Service, as_owner: Settings, owner: asyncpg.Connection
) -> AsyncIterator[None]:
    """A projection that is at the end of the log, and is there again afterwards."""
    await mixed(service, 1, 3)
    await catch_up(as_owner)
    yield
    await catch_up(as_owner)
    assert await kept(owner) == await expected(service)


@pytest.mark.usefixtures("followed")
def test_the_operator_begins_it_anew_or_forgets_it(database_url: str, tmp_path: Path) -> None:
    write_master_key(tmp_path / "master.key")

    def run(*line: str) -> Result:
        place = [f"--database-url={database_url}", f"--data-dir={tmp_path}"]
        return CliRunner().invoke(main, [*line, "--allow-unsafe-database", *place])

    emptied = run("rebuild", "purposes")
    assert (emptied.exit_code, emptied.stderr.split(":")[0]) == (0, "purposes")
    assert run("project", "support.purposes:PurposeCounts", "--once").exit_code == 0
    assert run("projections", "forget", "purposes").exit_code == 2
    assert run("projections", "forget", "history", "--yes").exit_code == 2
    assert "purposes" in run("projections").stdout
    assert run("projections", "forget", "purposes", "--yes").exit_code == 0
    assert "purposes" not in run("projections").stdout
    assert "there are history, activity" in run("projections", "redrive", "purposes").stderr
    assert run("projections", "redrive").exit_code == 0


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("purposes", "MODULE:CLASS"),
        ("support.nowhere:Class", "No module named"),
        ("support.purposes:Nothing", "no attribute"),
        ("support.purposes:Purposes", "no class of eventsourcing.projection.Projection"),
    ],
)
def test_what_is_no_projection_is_refused(path: str, why: str) -> None:
    ended = CliRunner().invoke(main, ["project", path])
    assert ended.exit_code == 2
    assert why in ended.stderr
