"""What operators ask over HTTP: the same as on the command line."""

import json
import time
from collections.abc import Iterator

import httpx
import pytest
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess


@pytest.mark.parametrize(
    "path", ["/ops/status", "/ops/projections", "/ops/partitions", "/ops/stuck"]
)
def test_an_operator_sees_what_the_command_shows(served: ServiceProcess, path: str) -> None:
    answer = httpx.get(f"{served.base_url}{path}", auth=ADMIN)
    assert answer.status_code == 200
    shown = served.command(path.rpartition("/")[2], "--output", "json")
    node = {"node"}  # (of the worker that answers)
    assert answer.json().keys() - node == json.loads(shown.stdout).keys()


def test_the_service_is_well(served: ServiceProcess) -> None:
    status = httpx.get(f"{served.base_url}/ops/status", auth=ADMIN).json()
    assert status["ok"] is True
    assert status["sentence"].startswith("All goes on: ")
    assert {each["state"] for each in status["projections"]} == {"live", "following"}


def test_others_are_refused_in_json(served: ServiceProcess, auditor: httpx.Client) -> None:
    refused = auditor.get("/ops/status")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "Forbidden")
    nobody = httpx.get(f"{served.base_url}/ops/stuck")
    assert (nobody.status_code, nobody.json()["error"]["code"]) == (401, "Unauthorized")
    missing = httpx.get(f"{served.base_url}/ops/nothing", auth=ADMIN)
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "NotFound")


@pytest.fixture
def call(served: ServiceProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.base_url, auth=ADMIN, timeout=patient(60.0)) as opened:
        yield opened


def test_activity_is_counted_for_each_account_and_day(
    served: ServiceProcess, call: httpx.Client
) -> None:
    assert call.post("/accounts", json={"id": "busy", "name": "Busy"}).status_code == 200
    session = call.post("/ai/sessions", json={"accountId": "busy"}).json()["id"]
    last = call.patch(f"/ai/sessions/{session}", json={"purpose": "billing"})
    position = int(last.headers["X-Log-Position"].partition(":")[2])
    for _ in range(round(patient(15.0) / 0.05)):
        found = call.get("/ops/activity?account=busy&since=today&until=today").json()
        if found["upTo"]["0"] >= position:
            break
        time.sleep(0.05)
    (day,) = found["activity"]
    assert (day["accountId"], day["opened"], day["changed"]) == ("busy", 1, 1)
    assert (day["closed"], day["actors"], found["quarantined"]) == (0, 1, 0)
    assert call.get("/ops/activity?until=2001-01-01").json()["activity"] == []
    for query in ("since=never", "since=0:17", "nothing=1", "account=a&account=b"):
        refused = call.get(f"/ops/activity?{query}")
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "BadRequest")
    assert served.command("projections", "redrive").stderr == "Nothing waits in quarantine\n"
