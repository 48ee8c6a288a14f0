"""The pages of operators, as a person on call sees them, and their twins for programs."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.patience import patient
from support.person import ACCEPT, MAX_PAGE_BYTES, Person
from support.service_process import ADMIN, ServiceProcess

PATHS = (
    "/ops", "/ops/status", "/ops/views", "/ops/projections", "/ops/rebuilds", "/ops/stuck",
    "/ops/activity", "/ops/partitions",
)  # fmt: skip


@pytest.fixture
def person(served: ServiceProcess) -> Iterator[Person]:
    with httpx.Client(base_url=served.base_url, timeout=patient(30.0)) as client:
        someone = Person(client)
        someone.open("/login")
        someone.send("/login", userName=ADMIN[0], password=ADMIN[1])
        yield someone


def test_from_the_start_page_to_what_is_stuck(person: Person) -> None:
    person.open("/").click("Operations")
    assert "✓ well" in person.answer.text
    assert "Events a second in the last 10 minutes: now " in person.answer.text
    person.click("Views and followers")
    assert "history" in person.answer.text
    assert "✓ live" in person.answer.text
    person.click("What is stuck")
    assert "Nothing is stuck." in person.answer.text
    assert person.clicks <= 4


@pytest.mark.parametrize("path", PATHS)
def test_a_page_has_the_same_as_its_twins(served: ServiceProcess, path: str) -> None:
    with httpx.Client(base_url=served.base_url, auth=ADMIN, timeout=patient(30.0)) as client:
        page = client.get(path, headers={"Accept": ACCEPT})
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert len(page.content) <= MAX_PAGE_BYTES
        assert client.get(path).headers["content-type"].startswith("application/json")
        rows = client.get(f"{path}.ndjson").text.splitlines()
        table = list(csv.DictReader(io.StringIO(client.get(path, params={"format": "csv"}).text)))
        assert len(table) == len(rows)
        for row, line in zip(table, rows, strict=True):
            assert set(json.loads(line)) <= set(row)
        refused = client.get(path, params={"format": "pdf"})
        assert (refused.status_code, refused.json()["error"]["field"]) == (400, "format")


def test_what_operators_did_is_told(served: ServiceProcess, tmp_path: Path) -> None:
    with httpx.Client(base_url=served.base_url, auth=ADMIN, timeout=patient(30.0)) as client:
        assert client.post("/ai/sessions", json={"purpose": "p"}).is_success
        assert served.command("verify").returncode == 0
        assert served.command("rebuild", "account_info").returncode == 0
        assert served.command("backup", "-o", str(tmp_path / "backup")).returncode == 0
        found = client.get("/ops/status").json()
        page = client.get("/ops", headers={"Accept": ACCEPT}).text
    assert found["lastVerify"]["outcome"] == "no difference"
    assert found["lastBackup"]["outcome"].startswith("up to 0:")
    assert [deed["name"] for deed in found["deeds"][:3]] == ["backup", "rebuild", "verify"]
    assert "up to 0:" in page
    assert "none on record" not in page
    assert sum(found["rates"]["perSecond"]) > 0
    (worker,) = {each["release"] for each in found["workers"]}
    assert f"Sessionary {worker}" in page
    node = found["node"]
    assert node["requests"]["count"] >= node["appends"]["count"] > 0
    assert 0 < node["appends"]["p50Ms"] <= node["appends"]["p99Ms"]
    assert node["batchSize"] >= 1
    assert 0 < node["disk"]["freeBytes"] < node["disk"]["totalBytes"]
    assert sum(each["connections"]["idle"] for each in node["pools"]) > 0
    for words in ("appends of this node", "99 % within", "GiB free of", "the oldest since 20"):
        assert words in page


def test_a_wrong_address_leads_back(served: ServiceProcess) -> None:
    missing = httpx.get(f"{served.base_url}/ops/nothing", auth=ADMIN, headers={"Accept": ACCEPT})
    assert missing.status_code == 404
    assert 'href="/ops"' in missing.text
