"""What operators ask for on pages and by their twins, and what an operator process makes of it."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest
from support.asked import SOON_S, asked, held_up, once
from support.operator_process import operator
from support.patience import patient
from support.person import Person
from support.service_process import ADMIN, ServiceProcess, no_difference, service

PASSWORD = "right as rain"
ASK = "/ops/ask"
FOUND = "SELECT 'ai_session_info'::regclass::oid"


@pytest.fixture(scope="module")
def operated() -> Iterator[ServiceProcess]:
    with service() as served:
        for name, role in (("oli", "Operator"), ("may", "Manager")):
            added = served.command(
                "users", "add", name, "--role", role, "--password-stdin", stdin=PASSWORD
            )
            assert added.returncode == 0, added.stderr
        with httpx.Client(base_url=served.base_url, auth=ADMIN) as client:
            for _ in range(3):
                assert client.post("/ai/sessions", json={"purpose": "x"}).status_code == 200
        yield served


@pytest.fixture
def client(operated: ServiceProcess) -> Iterator[httpx.Client]:
    """A program."""
    with httpx.Client(
        base_url=operated.base_url, auth=("oli", PASSWORD), timeout=patient(60.0)
    ) as made:
        yield made


@pytest.fixture
def person(operated: ServiceProcess) -> Iterator[Person]:
    """An operator with a browser."""
    with httpx.Client(base_url=operated.base_url, timeout=patient(60.0)) as made:
        yield signed_in(made, "oli")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "operator.log"


def signed_in(client: httpx.Client, name: str) -> Person:
    return Person(client).open("/login").send("/login", userName=name, password=PASSWORD)


def confirmed(person: Person) -> str:
    """Confirm what a page asks about; the path of what was asked for."""
    assert person.answer.status_code == 200, person.answer.text
    person.send(ASK)
    assert person.path.startswith("/ops/rebuilds/"), person.answer.text
    return person.path


def test_views_are_rebuilt_as_ticked_and_a_form_sent_twice_asks_once(
    operated: ServiceProcess, client: httpx.Client, person: Person, log: Path
) -> None:
    person.open("/ops/views").send(ASK, name="account_info,principal")
    assert "Rebuild account_info, principal?" in person.answer.text
    form = person.page
    path = confirmed(person)
    person.page = form
    assert confirmed(person) == path
    with operator(operated, log):
        done = once(client, path, "live")
    assert (done["projections"], done["askedBy"]) == (["account_info", "principal"], "oli")
    assert [each["what"] for each in done["asks"]] == ["rebuild"]
    person.open(path)
    assert "0 differ" in person.answer.text
    assert "✓ live" in person.answer.text


def test_what_was_only_compared_goes_live(
    operated: ServiceProcess, client: httpx.Client, person: Person, log: Path
) -> None:
    person.open("/ops/rebuilds").send(ASK, name="audit_trail", dryRun="true")
    assert "Compare audit_trail with the log?" in person.answer.text
    with operator(operated, log):
        seen = confirmed(person)
        once(client, seen, "ready")
        live = confirmed(person.open(seen).click("Go live"))
        assert live != seen
        once(client, live, "live")


async def test_the_way_back_is_offered_where_there_is_one(
    operated: ServiceProcess, client: httpx.Client, person: Person, log: Path
) -> None:
    owner = await asyncpg.connect(operated.database_url)
    first = await owner.fetchval(FOUND)
    with operator(operated, log):
        once(client, asked(client, "ai_session_info"), "live")
        second = await owner.fetchval(FOUND)
        assert second != first
        assert client.post("/ai/sessions", json={"purpose": "later"}, auth=ADMIN).is_success
        person.open("/ops/views")
        path = confirmed(person.click("Go back"))
        done = once(client, path, "live")
        assert (done["kind"], done["projections"]) == ("back", ["ai_session_info"])
        assert done["shows"]["ai_session_info"] > 0
        assert await owner.fetchval(FOUND) == first
        assert no_difference(operated) == []
        once(client, asked(client, "ai_session_info", kind="back"), "live")
        assert await owner.fetchval(FOUND) == second
    await owner.close()
    deeds = [deed["name"] for deed in client.get("/ops/status").json()["deeds"]]
    assert deeds.count("projections back") == 2


def test_no_way_back_is_told(operated: ServiceProcess, client: httpx.Client, log: Path) -> None:
    with operator(operated, log):
        failed = once(client, asked(client, "chat_session_entity", kind="back"), "failed")
    assert failed["failure"].startswith("There is no way back for chat_session_entity")


async def test_one_that_runs_is_paused_gone_on_with_and_cancelled_on_its_page(
    operated: ServiceProcess, client: httpx.Client, person: Person, log: Path
) -> None:
    with operator(operated, log) as process:
        async with held_up(operated):
            path = asked(client)
            once(client, path, "running", phase="scan")
            assert confirmed(person.open(path).click("Pause")) == path
        once(client, path, "waiting", ways=["resume", "cancel"])
        assert "it is paused" in client.get(path).json()["waitsFor"]
        async with held_up(operated):
            assert confirmed(person.open(path).click("Resume")) == path
            process.wait_for("resumed at position 0:")
            once(client, path, "running", phase="scan")
            assert confirmed(person.open(path).click("Cancel")) == path
        done = once(client, path, "cancelled")
    assert [each["what"] for each in done["asks"]] == ["rebuild", "pause", "resume", "cancel"]
    assert {each["by"] for each in done["asks"]} == {"oli"}


async def test_the_same_for_programs(
    operated: ServiceProcess, client: httpx.Client, log: Path
) -> None:
    path = asked(client, "principal")
    for way, ways in (("pause", ["resume", "cancel"]), ("resume", ["pause", "cancel"])):
        answer = client.post(f"{path}/{way}")
        assert (answer.status_code, answer.json()["ways"]) == (202, ways)
    client.post(f"{path}/pause")
    with operator(operated, log):
        time.sleep(0.5)
        assert client.get(path).json()["state"] == "waiting"
        assert client.post(f"{path}/resume").status_code == 202
        once(client, path, "live")
        for way in ("pause", "resume"):
            over = client.post(f"{path}/{way}")
            assert (over.status_code, over.json()["error"]["code"]) == (409, "RebuildOver")


async def test_a_stream_is_redriven_by_the_link_beside_it(
    operated: ServiceProcess, client: httpx.Client, person: Person, log: Path
) -> None:
    owner = await asyncpg.connect(operated.database_url)
    made = client.post("/ai/sessions", json={"purpose": "first"}, auth=ADMIN).json()["id"]
    await owner.execute(
        "ALTER TABLE ai_session_info_history ADD CONSTRAINT planted"
        f" CHECK (version < 2 OR stream_id <> '{made}')"
    )
    assert client.patch(f"/ai/sessions/{made}", json={"purpose": "second"}, auth=ADMIN).is_success
    deadline = time.monotonic() + patient(SOON_S)
    while not client.get("/ops/stuck").json()["stuck"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    with operator(operated, log):
        vain = once(client, confirmed(person.open("/ops/stuck").click("Redrive")), "failed")
        assert (vain["kind"], vain["stream"]) == ("redrive", made)
        assert vain["failure"] == "history: 1 of 1 streams still wait"
        await owner.execute("ALTER TABLE ai_session_info_history DROP CONSTRAINT planted")
        again = asked(client, "history", kind="redrive", stream=made)
        once(client, again, "live")
    assert client.get("/ops/stuck").json() == {"stuck": []}
    kept = "SELECT count(*) FROM ai_session_info_history WHERE stream_id = $1"
    assert await owner.fetchval(kept, made) == 2
    await owner.close()


async def test_followers_are_rebuilt_on_demand(
    operated: ServiceProcess, client: httpx.Client, person: Person, log: Path
) -> None:
    owner = await asyncpg.connect(operated.database_url)
    await owner.execute("DELETE FROM activity")
    await owner.execute("UPDATE ai_session_info_history SET created_by = 'mallory'")
    with operator(operated, log):
        once(client, confirmed(person.open("/ops/views").click("Rebuild activity")), "live")
        once(client, asked(client, "history"), "live")
    shown = {each["name"]: each for each in client.get("/ops/projections").json()["projections"]}
    assert shown["history"]["lastRebuild"]
    assert shown["activity"]["lastRebuild"]
    deadline = time.monotonic() + patient(SOON_S)
    while no_difference(operated) or not await owner.fetchval("SELECT count(*) FROM activity"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    await owner.close()


@asynccontextmanager
async def locked(served: ServiceProcess, table: str) -> AsyncIterator[None]:
    """Nobody reads or writes a table for as long as the block lasts."""
    owner = await asyncpg.connect(served.database_url)
    try:
        async with owner.transaction():
            await owner.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await owner.close()


async def test_the_rebuild_of_a_follower_is_paused_gone_on_with_and_cancelled(
    operated: ServiceProcess, client: httpx.Client, person: Person, log: Path
) -> None:
    with operator(operated, log) as process:
        async with locked(operated, "activity"):
            path = asked(client, "activity")
            once(client, path, "running", ways=["pause", "cancel"])
            assert confirmed(person.open(path).click("Pause")) == path
        once(client, path, "waiting", ways=["resume", "cancel"])
        why = "it is paused: somebody has to resume it, or to run `sessionary rebuild activity`"
        assert client.get(path).json()["waitsFor"] == why
        status = operated.command("status")
        assert (status.returncode, why in status.stdout) == (0, True), status.stdout
        assert why in person.open("/ops/views").answer.text
        async with locked(operated, "sessionary_refill.activity"):
            assert confirmed(person.open(path).click("Resume")) == path
            process.wait_for("activity: resumed at position 0:")
            process.kill()
    log.unlink()
    with operator(operated, log) as process:
        once(client, path, "live")
        assert "activity: resumed at position 0:" in process.log
        async with locked(operated, "activity"):
            path = asked(client, "activity")
            once(client, path, "running")
            assert client.delete(path).status_code == 204
        once(client, path, "cancelled")
