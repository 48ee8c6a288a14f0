"""Rebuilds that are asked for over HTTP, and the operator process that carries them out."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import pytest
from support.asked import SOON_S, asked, held_up, once
from support.operator_process import WAITS, operator
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess, no_difference, service

from projections.catalog import VIEWS

NAMES = sorted(view.name for view in VIEWS)
CLERK = ("clara", "she may not operate anything")


@pytest.fixture(scope="module")
def operated() -> Iterator[ServiceProcess]:
    with service() as served:
        clerk, password = CLERK
        added = served.command(
            "users", "add", clerk, "--role", "Agent", "--password-stdin", stdin=password
        )
        assert added.returncode == 0, added.stderr
        with httpx.Client(base_url=served.base_url, auth=ADMIN) as client:
            for _ in range(3):
                assert client.post("/ai/sessions", json={"purpose": "x"}).status_code == 200
        yield served


@pytest.fixture
def client(operated: ServiceProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=operated.base_url, auth=ADMIN, timeout=patient(60.0)) as made:
        yield made


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "operator.log"


def test_without_an_operator_process_it_waits_and_is_told(
    operated: ServiceProcess, client: httpx.Client
) -> None:
    path = asked(client, "account_info", dryRun=True)
    found = client.get(path).json()
    assert (found["state"], found["waitsFor"]) == (
        "waiting", "nobody carries out rebuilds: start `sessionary operate`",
    )  # fmt: skip
    assert (found["askedBy"], found["projections"], found["dryRun"]) == (
        "admin", ["account_info"], True,
    )  # fmt: skip
    deadline = time.monotonic() + patient(SOON_S)
    while not (stuck := client.get("/ops/stuck").json()["stuck"]):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert [each["kind"] for each in stuck] == ["rebuild"]
    assert "start `sessionary operate`" in stuck[0]["sentence"]
    status = operated.command("status")
    assert status.returncode == 1
    assert "start `sessionary operate`" in status.stdout
    assert client.delete(path).status_code == 204
    assert once(client, path, "cancelled")["asks"][-1]["what"] == "cancel"
    assert client.get("/ops/stuck").json() == {"stuck": []}


def test_what_is_asked_for_is_carried_out_and_all_views_are_meant_by_none(
    operated: ServiceProcess, client: httpx.Client, log: Path
) -> None:
    with operator(operated, log) as process:
        answer = client.post("/ops/rebuilds", headers={"X-Request-Id": "night-1"})
        done = once(client, answer.headers["location"], "live")
        assert process.stop() == 0, process.log
    assert done["projections"] == NAMES
    assert (done["askedBy"], done["requestId"]) == ("admin", "night-1")
    assert {name: found["differing"] for name, found in done["compared"].items()} == (
        dict.fromkeys(NAMES, 0)
    )
    assert done["compared"]["ai_session_info"]["rows"] == 3
    assert done["events"] == done["total"] > 0
    assert no_difference(operated) == []
    shown = client.get("/ops/projections").json()["projections"]
    assert all(each["lastRebuild"] for each in shown if each["state"] == "live")
    assert done in client.get("/ops/rebuilds").json()["rebuilds"]


async def test_a_dry_run_names_samples_of_what_differs(
    operated: ServiceProcess, client: httpx.Client, log: Path
) -> None:
    owner = await asyncpg.connect(operated.database_url)
    altered = await owner.fetchval(
        "UPDATE ai_session_info SET created_by = 'mallory'"
        " WHERE stream_id = (SELECT min(stream_id::text)::uuid FROM ai_session_info)"
        " RETURNING stream_id"
    )
    with operator(operated, log):
        seen = once(client, asked(client, "ai_session_info", dryRun=True), "ready")
        assert seen["compared"]["ai_session_info"] == {
            "rows": 3, "differing": 1, "samples": [str(altered)],
        }  # fmt: skip
        mended = once(client, asked(client, "ai_session_info"), "live")
    assert mended["compared"]["ai_session_info"]["differing"] == 1
    by = await owner.fetch("SELECT DISTINCT created_by FROM ai_session_info")
    assert [row["created_by"] for row in by] == ["admin"]
    await owner.close()


async def test_another_process_takes_over_from_a_killed_one_and_goes_on(
    operated: ServiceProcess, client: httpx.Client, tmp_path: Path
) -> None:
    with (
        operator(operated, tmp_path / "first") as first,
        operator(operated, tmp_path / "second", WAITS) as second,
    ):
        async with held_up(operated):
            path = asked(client)
            assert once(client, path, "running", phase="scan")["waitsFor"] is None
            first.kill()
            second.wait_for("resumed at position 0:")
        assert once(client, path, "live")["failure"] is None
    assert no_difference(operated) == []


async def test_a_process_that_is_told_to_end_leaves_its_rebuild_to_the_next_one(
    operated: ServiceProcess, client: httpx.Client, tmp_path: Path
) -> None:
    async with held_up(operated):
        with operator(operated, tmp_path / "first") as first:
            path = asked(client)
            once(client, path, "running", phase="scan")
            assert first.stop() == 0, first.log
        assert once(client, path, "waiting")["waitsFor"] is not None
        with operator(operated, tmp_path / "second") as second:
            second.wait_for("resumed at position 0:")
            assert [client.delete(path).status_code for _ in range(2)] == [204, 204]
    with operator(operated, tmp_path / "third"):  # the second one was killed
        once(client, path, "cancelled")


async def test_one_that_runs_is_cancelled_and_the_views_are_as_they_were(
    operated: ServiceProcess, client: httpx.Client, log: Path
) -> None:
    owner = await asyncpg.connect(operated.database_url)
    before = await owner.fetchval("SELECT 'ai_session_info'::regclass::oid")
    with operator(operated, log):
        async with held_up(operated):
            path = asked(client, "ai_session_info")
            once(client, path, "running", phase="scan")
            assert client.delete(path).status_code == 204
        done = once(client, path, "cancelled")
        assert [each["what"] for each in done["asks"]] == ["rebuild", "cancel"]
        assert await owner.fetchval("SELECT 'ai_session_info'::regclass::oid") == before
        live = asked(client, "ai_session_info")
        once(client, live, "live")
        over = client.delete(live)
        assert (over.status_code, over.json()["error"]["code"]) == (409, "RebuildOver")
    await owner.close()


def test_a_process_outlasts_its_database(
    operated: ServiceProcess, client: httpx.Client, log: Path
) -> None:
    with operator(operated, log) as process:
        operated.servers()[0].kill()
        process.wait_for("The database does not answer")
        operated.wait_until_ready()
        assert once(client, asked(client, "audit_trail"), "live")["askedBy"] == "admin"
        assert process.stop() == 0, process.log


def test_asking_twice_is_asking_once(client: httpx.Client) -> None:
    path = asked(client, "principal", "account_info")
    assert asked(client, "account_info", "principal", "principal") == path
    key = {"Idempotency-Key": uuid4().hex}
    body: dict[str, object] = {"projections": ["audit_trail"]}
    first = client.post("/ops/rebuilds", json=body, headers=key)
    again = client.post("/ops/rebuilds", json=body, headers=key)
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert again.headers["idempotent-replayed"] == "true"
    assert len(again.json()["asks"]) == 1
    other = client.post("/ops/rebuilds", json={**body, "dryRun": True}, headers=key)
    assert (other.status_code, other.json()["error"]["code"]) == (422, "IdempotencyKeyReused")
    for made in (path, f"/ops/rebuilds/{first.json()['id']}"):
        assert client.delete(made).status_code == 204
    again = client.post("/ops/rebuilds", json=body, headers=key)
    assert again.json()["state"] == "cancelled"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"projections": ["nonsense"]}', "ai_session_info"),
        (b'{"projections": [7]}', "projections"),
        (b'{"projections": "account_info"}', "projections"),
        (b'{"views": []}', "views"),
        (b'{"dryRun": "perhaps"}', "dryRun"),
        (b"[]", "object"),
        (b"{", "JSON"),
    ],
)
def test_what_cannot_be_rebuilt_is_refused(client: httpx.Client, body: bytes, told: str) -> None:
    before = client.get("/ops/rebuilds").json()
    refused = client.post("/ops/rebuilds", content=body)
    assert refused.status_code == 400
    assert told in json.dumps(refused.json()["error"])
    assert client.get("/ops/rebuilds").json() == before


@pytest.mark.parametrize("id_", ["nonsense", "0", "01890a5d-ac96-774b-bcce-b302099a8057"])
def test_a_rebuild_that_is_not_there_is_a_404(client: httpx.Client, id_: str) -> None:
    for verb in ("GET", "DELETE"):
        assert client.request(verb, f"/ops/rebuilds/{id_}").status_code == 404


def test_only_operators_may_ask(operated: ServiceProcess) -> None:
    for verb, path in (("POST", ""), ("GET", ""), ("DELETE", f"/{uuid4()}")):
        url = f"{operated.base_url}/ops/rebuilds{path}"
        assert httpx.request(verb, url, auth=CLERK).status_code == 403
        assert httpx.request(verb, url).status_code == 401
