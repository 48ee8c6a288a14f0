"""What operators ask over HTTP: the same as on the command line."""

import json

import httpx
import pytest
from support.service_process import ADMIN, ServiceProcess


@pytest.mark.parametrize("path", ["/ops/status", "/ops/projections", "/ops/stuck"])
def test_an_operator_sees_what_the_command_shows(served: ServiceProcess, path: str) -> None:
    answer = httpx.get(f"{served.base_url}{path}", auth=ADMIN)
    assert answer.status_code == 200
    shown = served.command(path.rpartition("/")[2], "--output", "json")
    assert answer.json().keys() == json.loads(shown.stdout).keys()


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
