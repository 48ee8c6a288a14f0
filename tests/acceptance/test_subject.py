"""All that is held on a person, from a service; and its lines, whatever ends lines in values."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.commands import Run
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess, sessionary

PASSWORD = "right as rain"
EMAIL, NAME = "canary.ove@example.com", "Ove Canary"


@pytest.fixture(scope="module")
def held(served: ServiceProcess) -> dict[str, str]:
    """A chat that holds a person, an AI session that quotes the address, and who may look."""
    for name, role in {"dag": "DataProtection", "eli": "Auditor"}.items():
        added = served.command(
            "users", "add", name, "--role", role, "--password-stdin", stdin=PASSWORD
        )
        assert added.returncode == 0, added.stderr
    with httpx.Client(base_url=served.base_url, auth=ADMIN, timeout=patient(60.0)) as client:
        new = {"CustomerName": NAME, "CustomerEmail": EMAIL}
        chat = client.post("/api/v1/ChatSession", json=new).json()["ChatSessionId"]
        session = client.post("/ai/sessions", json={"purpose": f"Answer {EMAIL}"}).json()["id"]
    return {"chat": str(chat), "session": session}


@pytest.fixture
def run(served: ServiceProcess, held: dict[str, str]) -> Run:
    return served.command


@pytest.fixture
def dag(served: ServiceProcess, held: dict[str, str]) -> Iterator[httpx.Client]:
    """Who protects data."""
    with httpx.Client(
        base_url=served.base_url, auth=("dag", PASSWORD), timeout=patient(60.0)
    ) as client:
        yield client


def token_of(run: Run, name: str, folder: Path) -> str:
    """A file with a new token of a user."""
    file = folder / f"{name}.token"
    file.touch(0o600)
    added = run("tokens", "add", name)
    assert added.returncode == 0, added.stderr
    file.write_text(added.stdout)
    return str(file)


def views_of(run: Run, reason: str) -> list[dict[str, Any]]:
    """The events that say that somebody saw personal data for a reason."""
    shown = run("events", "list", "--type=audit.viewed", "--output=ndjson").stdout
    return [
        each for each in map(json.loads, shown.splitlines()) if each["data"]["reason"] == reason
    ]


def test_a_service_gives_the_same_lines_and_puts_it_on_record(
    served: ServiceProcess, run: Run, held: dict[str, str], tmp_path: Path
) -> None:
    asking = ("--server", served.base_url, "--token-file", token_of(run, "dag", tmp_path))
    by_database = run("subject", EMAIL, "--reason=asked locally").stdout.splitlines()
    taken = sessionary("subject", EMAIL, "--reason=asked from afar", *asking)
    assert (taken.returncode, taken.stderr) == (0, "2 sessions hold it\n")
    lines = taken.stdout.splitlines()
    new = [line for line in lines if line not in by_database]
    assert {json.loads(line)["viewed"]["data"]["reason"] for line in new} == {"asked from afar"}
    assert [line for line in lines if line not in new] == by_database
    by = {each["actor"] for each in views_of(run, "asked from afar")}
    assert by == {"dag"}
    file = tmp_path / "kim.json"
    for output in ("json", "table"):
        given = ("--name", NAME, "--reason=x", f"--output={output}", "-o", str(file))
        file.unlink(missing_ok=True)
        assert sessionary("subject", *given, *asking).returncode == 0
        text = file.read_text()
        assert (
            json.loads(text)[-1].keys() == {"covers"} if output == "json" else held["chat"] in text
        )


@pytest.mark.parametrize(
    ("given", "says"),
    [(["kim"], "email takes"), ([EMAIL, "--phone", "1"], "phone takes"), ([], "Give an e-mail"),
     ([EMAIL, "--reason", ""], "reason"), ([EMAIL, "--reason", "x" * 501], "reason")],
    ids=["no address", "no number", "nothing", "no reason", "a long reason"],
)  # fmt: skip
def test_a_service_is_not_asked_for_nonsense(
    run: Run, held: dict[str, str], tmp_path: Path, given: list[str], says: str
) -> None:
    asking = ("--server", "http://127.0.0.1:9", "--token-file", token_of(run, "dag", tmp_path))
    refused = sessionary("subject", "--reason=x", *given, *asking)
    assert (refused.returncode, refused.stdout, says in refused.stderr) == (2, "", True), refused


def test_a_service_gives_it_to_nobody_else(
    served: ServiceProcess, run: Run, held: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "kim.jsonl"
    asking = ("--server", served.base_url, "--token-file", token_of(run, "eli", tmp_path))
    refused = sessionary("subject", EMAIL, "--reason=x by eli", "-o", str(file), *asking)
    assert (refused.returncode, "no role" in refused.stderr) == (2, True), refused
    assert not file.exists()
    assert views_of(run, "x by eli") == []


def test_values_that_end_lines_elsewhere_leave_lines_whole(
    served: ServiceProcess, run: Run, dag: httpx.Client
) -> None:
    email, ends = "canary.liv@example.com", "\u2028,\u2029 and \u0085"
    new = {"CustomerName": f"Liv {ends} Canary", "CustomerEmail": email}
    with httpx.Client(base_url=served.base_url, auth=ADMIN, timeout=patient(60.0)) as client:
        chat = client.post("/api/v1/ChatSession", json=new).json()["ChatSessionId"]
        purpose = {"purpose": f"Answer {email}{ends}"}
        assert client.post("/ai/sessions", json=purpose).is_success
        lists = [client.get(f"/ai/sessions{form}").text for form in (".jsonl", "?format=jsonl")]
        feed = client.get("/audit/feed.ndjson?limit=1000&personal=true&reason=x").text
        history = client.get(f"/audit/sessions/{chat}/history.ndjson?personal=true&reason=x").text
    query = {"email": email, "personal": "true", "reason": f"he asked{ends}"}
    texts = [
        dag.get("/audit/people/export", params=query).text,
        dag.get("/audit/people.ndjson", params=query).text,
        run("subject", email, "--reason=x").stdout,
        run("replay", str(chat), "--output=ndjson").stdout,
        run("events", "list", "--output=ndjson").stdout,
        run("export", "-").stdout,
        run("export", "-", "--clear").stdout,
        feed, history, *lists,
    ]  # fmt: skip
    for text in texts:
        lines = [json.loads(line) for line in text.splitlines()]
        assert all(isinstance(line, dict) for line in lines), text
        assert len(lines) == text.count("\n"), text
    first = json.loads(history.splitlines()[0])
    assert first["data"]["CustomerName"] == new["CustomerName"]
