"""A rebuild goes on where it was broken off, pauses, is cancelled, only compares, and is undone."""

from typing import Any

import asyncpg
import pytest
from support import given
from support.beside import silent
from support.database import SEVERAL
from support.digests import of_tables, of_the_log
from support.rebuilt import NAMES, a_few_of_each, fresh_tables, oids

from app.integrity.verify import verify
from app.log.keyring import Keyring
from app.maintenance.store import Connection
from app.rebuild import runs, scan, stopping
from app.rebuild.jobs import WorkerFailed
from app.rebuild.rebuild import Options, named, rebuild
from app.rebuild.runs import RebuildStopped
from app.rebuild.swap import drop_former, go_back
from app.rebuild.tables import NoWayBack
from app.service import Service


class Killed(BaseException):
    """Nothing is tidied up after it."""


@pytest.fixture(params=[1, SEVERAL], ids=["one", "several"])
def partitions(request: pytest.FixtureRequest) -> int:
    count: int = request.param
    return count


@pytest.fixture(params=[1, 2], ids=["one job", "two jobs"])
def jobs(request: pytest.FixtureRequest) -> int:
    count: int = request.param
    return count


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page has few events, and a range few pages."""
    monkeypatch.setattr(scan, "PAGE_EVENTS", 3)
    monkeypatch.setattr(runs, "EVENTS_PER_RANGE", 4)


def break_off(monkeypatch: pytest.MonkeyPatch, pages: int, then: Any) -> None:
    """Call `then` after some pages."""
    write, written = scan.Worker._write, 0

    async def counted(*arguments: Any) -> None:
        nonlocal written
        written += 1
        if written > pages:
            monkeypatch.setattr(scan.Worker, "_write", write)
            await then()
        await write(*arguments)

    monkeypatch.setattr(scan.Worker, "_write", counted)


async def kill() -> None:
    raise Killed


@pytest.mark.usefixtures("small_steps")
async def test_jobs_partitions_and_ranges_make_the_same_rows(
    service: Service, store: Connection, keyring: Keyring, jobs: int
) -> None:
    await a_few_of_each(service)
    await rebuild(store, keyring, named(()), silent, Options(jobs=jobs))
    folded = await of_the_log(store, keyring)
    assert await of_tables(store) == await of_tables(store, "_old") == folded


@pytest.mark.usefixtures("small_steps")
async def test_one_that_was_killed_is_gone_on_with(
    service: Service,
    store: Connection,
    owner: asyncpg.Connection,
    keyring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
    jobs: int,
) -> None:
    await a_few_of_each(service)
    await owner.execute(
        "DELETE FROM stream_key WHERE stream_id IN"
        " (SELECT stream_id FROM ai_session_info ORDER BY stream_id LIMIT 2)"
    )
    break_off(monkeypatch, 4, kill)
    with pytest.raises(Killed):
        await rebuild(store, keyring, named(()), silent)
    await given.open_chat_session(service)
    said: list[str] = []
    rebuilt = await rebuild(store, keyring, named(()), silent, Options(jobs=jobs, tell=said.append))
    folded = sum(int(line.split(": ")[1].split()[0]) for line in said)
    assert all(line.startswith("resumed at position ") for line in said)
    assert 0 < folded < 17
    assert len(rebuilt.damaged) == 2
    assert set(rebuilt.mended.values()) == {0}
    assert rebuilt.rows["chat_session_entity"] == 6
    assert [
        line for line in await verify(store, keyring, silent) if line.startswith(tuple(NAMES))
    ] == []
    assert await fresh_tables(owner) == []


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("asked", ["pause", "cancel"])
async def test_one_that_is_asked_stops_with_its_next_page(
    service: Service,
    store: Connection,
    owner: asyncpg.Connection,
    keyring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
    asked: str,
) -> None:
    await a_few_of_each(service)
    before = await oids(owner)

    async def ask() -> None:
        assert await runs.ask(owner, asked)

    break_off(monkeypatch, 2, ask)
    with pytest.raises(RebuildStopped):
        await rebuild(store, keyring, named(()), silent)
    assert await oids(owner) == before
    assert bool(await fresh_tables(owner)) == (asked == "pause")
    said: list[str] = []
    await rebuild(store, keyring, named(()), silent, Options(tell=said.append))
    assert bool(said) == (asked == "pause")
    assert await verify(store, keyring, silent) == []


@pytest.mark.usefixtures("small_steps")
async def test_what_a_killed_one_left_is_forgotten_on_request(
    service: Service,
    store: Connection,
    owner: asyncpg.Connection,
    keyring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert await stopping.stop(store, "cancel") == "There is no rebuild to stop"
    await a_few_of_each(service)
    break_off(monkeypatch, 2, kill)
    with pytest.raises(Killed):
        await rebuild(store, keyring, named(()), silent)
    assert await stopping.stop(store, "cancel") == "Cancelled: the tables in use stay"
    assert await fresh_tables(owner) == []
    assert await verify(store, keyring, silent) == []


async def test_a_worker_that_fails_fails_the_rebuild(
    service: Service,
    store: Connection,
    owner: asyncpg.Connection,
    keyring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await a_few_of_each(service)

    async def fail(*_: object) -> None:
        raise RuntimeError("no luck")

    async def wait(*_: object) -> None:
        return None

    monkeypatch.setattr(runs, "claim", wait)
    monkeypatch.setattr("app.rebuild.jobs._reported", _failing)
    with pytest.raises(WorkerFailed, match="no luck"):
        await rebuild(store, keyring, named(()), silent, Options(jobs=2))
    assert await fresh_tables(owner) == []


async def _failing(*_: object) -> Any:
    from app.rebuild.jobs import Report

    return Report(error="no luck")


async def test_a_dry_run_compares_and_changes_nothing(
    service: Service, store: Connection, owner: asyncpg.Connection, keyring: Keyring, jobs: int
) -> None:
    await a_few_of_each(service)
    wrong = await owner.fetchval(
        "UPDATE ai_session_info SET version = 99 WHERE stream_id ="
        " (SELECT stream_id FROM ai_session_info ORDER BY stream_id LIMIT 1) RETURNING stream_id"
    )
    await owner.execute("DELETE FROM account_info")
    before, rows = await oids(owner), await of_tables(store)
    dry = Options(jobs=jobs, dry_run=True)
    compared = await rebuild(store, keyring, named(()), silent, dry)
    assert (compared.mended["ai_session_info"], compared.mended["account_info"]) == (1, 1)
    assert compared.samples["ai_session_info"] == [str(wrong)]
    assert (await oids(owner), await of_tables(store)) == (before, rows)
    assert await fresh_tables(owner) == []


async def test_the_former_table_comes_back_caught_up(
    service: Service, store: Connection, owner: asyncpg.Connection, keyring: Keyring
) -> None:
    await a_few_of_each(service)
    views = named(())
    with pytest.raises(NoWayBack, match="no former table"):
        await go_back(store, keyring, views[0])
    before = await oids(owner)
    indexes = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = $1 ORDER BY 1"
    shape = await owner.fetch(indexes, "chat_session_entity")
    await rebuild(store, keyring, views, silent)
    opened = await given.open_ai_session(service)
    await given.patch_ai_session(service, given.session_of(opened), "since then")
    await given.open_chat_session(service)
    for view in views:
        await go_back(store, keyring, view)
    assert await oids(owner) == before
    assert await owner.fetch(indexes, "chat_session_entity") == shape
    folded = await of_the_log(store, keyring)
    assert await of_tables(store) == folded
    await given.open_ai_session(service)
    await go_back(store, keyring, views[0])
    assert await verify(store, keyring, silent) == []


async def test_a_former_table_that_was_dropped_leaves_the_live_one_and_no_way_back(
    service: Service, store: Connection, owner: asyncpg.Connection, keyring: Keyring
) -> None:
    await a_few_of_each(service)
    (view,) = named(["ai_session_info"])
    await rebuild(store, keyring, [view], silent)
    live = await owner.fetch("SELECT * FROM ai_session_info ORDER BY stream_id")
    await drop_former(store, view)
    assert await owner.fetchval("SELECT to_regclass('ai_session_info_old')") is None
    assert await owner.fetch("SELECT * FROM ai_session_info ORDER BY stream_id") == live
    for refused in (drop_former(store, view), go_back(store, keyring, view)):
        with pytest.raises(NoWayBack, match="no former table"):
            await refused


async def test_a_former_table_of_another_form_stays_where_it_is(
    service: Service, store: Connection, owner: asyncpg.Connection, keyring: Keyring
) -> None:
    await a_few_of_each(service)
    (view,) = named(["account_info"])
    await rebuild(store, keyring, [view], silent)
    await owner.execute("ALTER TABLE account_info_old DROP COLUMN name")
    with pytest.raises(NoWayBack, match="other columns"):
        await go_back(store, keyring, view)
    await owner.execute("DROP TABLE account_info_old")
    with pytest.raises(NoWayBack, match="was dropped"):
        await go_back(store, keyring, view)
    await rebuild(store, keyring, [view], silent)
    assert await verify(store, keyring, silent) == []
