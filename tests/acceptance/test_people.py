"""Who protects data finds all that is held on a person, over HTTP and on the command line."""

import csv
import io
import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import httpx
import pytest
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess

PASSWORD = "right as rain"
EMAIL, PHONE, NAME = "canary.kim@example.com", "+47 900 18 777", "Kim Canary"
Run = Callable[..., CompletedProcess[str]]


@pytest.fixture(scope="module")
def held(served: ServiceProcess) -> dict[str, str]:
    """A chat that holds a person, an AI session that quotes the address, and who may look."""
    roles = {"dee": "DataProtection", "eve": "Auditor", "sam": "SystemAdministrator"}
    for name, role in roles.items():
        added = served.command(
            "users", "add", name, "--role", role, "--password-stdin", stdin=PASSWORD
        )
        assert added.returncode == 0, added.stderr
    with httpx.Client(base_url=served.base_url, auth=ADMIN, timeout=patient(60.0)) as client:
        new = {"CustomerName": NAME, "CustomerEmail": EMAIL.title(), "CustomerPhone": PHONE}
        chat = client.post("/api/v1/ChatSession", json=new).json()["ChatSessionId"]
        said = {"Type": "ToUser", "Message": "Where is my parcel?", "Author": NAME}
        assert client.post(f"/api/v1/ChatSession/{chat}/Messages", json=said).is_success
        purpose = f"Answer {EMAIL}, who waits"
        session = client.post("/ai/sessions", json={"purpose": purpose}).json()["id"]
    return {"chat": str(chat), "session": session}


@pytest.fixture
def dee(served: ServiceProcess, held: dict[str, str]) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=served.base_url, auth=("dee", PASSWORD), timeout=patient(60.0)
    ) as client:
        yield client


@pytest.fixture
def run(served: ServiceProcess) -> Run:
    return served.command


def test_a_person_is_found_and_masked(dee: httpx.Client, held: dict[str, str]) -> None:
    found = dee.get("/audit/people", params={"email": EMAIL})
    assert found.status_code == 200
    assert {each["sessionId"] for each in found.json()["sessions"]} == set(held.values())
    assert "canary" not in found.text.lower()
    assert found.json()["next"] is None
    by_name = dee.get("/audit/people", params={"name": NAME.lower(), "phone": "004790018777"})
    assert [each["sessionId"] for each in by_name.json()["sessions"]] == [held["chat"]]


def test_it_has_twins_of_the_same_slice(dee: httpx.Client, held: dict[str, str]) -> None:
    query = {"email": EMAIL}
    lines = dee.get("/audit/people.ndjson", params=query).text.splitlines()
    rows = list(csv.DictReader(io.StringIO(dee.get("/audit/people.csv", params=query).text)))
    page = dee.get("/audit/people.html", params=query).text
    ids = {json.loads(line)["sessionId"] for line in lines}
    assert ids == {row["sessionId"] for row in rows} == set(held.values())
    assert all(each in page for each in ids)
    assert NAME not in page
    assert EMAIL.title() not in page


def test_a_page_leads_to_the_next(dee: httpx.Client, held: dict[str, str]) -> None:
    url: str | None = f"/audit/people?email={EMAIL}&limit=1"
    found = []
    while url is not None:
        page = dee.get(url).json()
        found += [each["sessionId"] for each in page["sessions"]]
        url = page["next"]
    assert sorted(found) == sorted(held.values())


def test_with_a_reason_it_is_clear_and_on_record_without_the_address(
    dee: httpx.Client, held: dict[str, str]
) -> None:
    reason = "the customer asked"
    query = {"email": EMAIL, "personal": "true", "reason": reason}
    found = dee.get("/audit/people", params=query).json()["sessions"]
    (chat,) = (each for each in found if each["sessionId"] == held["chat"])
    assert chat["holds"]["CustomerName"] == NAME
    with httpx.Client(base_url=dee.base_url, auth=("eve", PASSWORD)) as eve:
        views = eve.get(f"/audit/sessions/{held['chat']}/views").json()["events"]
    assert views[0]["actor"] == "dee"
    assert views[0]["data"]["reason"] == reason
    assert "c•••" in views[0]["data"]["scope"]
    assert "canary" not in json.dumps(views[0]).lower()


def test_an_export_has_all_and_its_end(dee: httpx.Client, held: dict[str, str]) -> None:
    query = {"email": EMAIL, "personal": "true", "reason": "a request of access"}
    answer = dee.get("/audit/people/export", params=query)
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert {each["session"]["sessionId"] for each in lines if "session" in each} == set(
        held.values()
    )
    events = [each["event"] for each in lines if "event" in each]
    assert [each["type"] for each in events if each["sessionId"] == held["chat"]] == [
        "chat_session.created.v1", "chat_session.message_added.v1",
    ]  # fmt: skip
    assert any("parcel" in str(each["data"].get("Message")) for each in events)
    assert any(each["viewed"]["actor"] == "dee" for each in lines if "viewed" in each)
    assert list(lines[-1]) == ["covers"]


@pytest.mark.parametrize(
    ("path", "field"),
    [("/audit/people", "email"), ("/audit/people?email=kim", "email"),
     ("/audit/people?phone=12", "phone"), ("/audit/people?name=%20%20&email=", "email"),
     ("/audit/people?email=a@b&after=x", "after"), ("/audit/people?e=a@b", "e"),
     ("/audit/people?email=a@b&personal=true", "reason"),
     ("/audit/people/export?email=a@b", "reason"),
     ("/audit/people/export?email=a@b&reason=because", "reason")],
)  # fmt: skip
def test_bad_input_is_refused(dee: httpx.Client, path: str, field: str) -> None:
    refused = dee.get(path)
    assert refused.status_code == 400, refused.text
    assert refused.json()["error"]["field"] == field


def test_nobody_has_a_strange_address(dee: httpx.Client) -> None:
    assert dee.get("/audit/people", params={"email": "\0@\0"}).status_code == 400
    for strange in ("@", "'; --@b", "kim@" + "\N{BUG}" * 60):
        answer = dee.get("/audit/people", params={"email": strange})
        assert answer.json().get("sessions") == [], (strange, answer.text)


@pytest.mark.parametrize("who", ["eve", "sam"])
def test_nobody_else_finds_people(served: ServiceProcess, dee: httpx.Client, who: str) -> None:
    with httpx.Client(base_url=served.base_url, auth=(who, PASSWORD)) as client:
        for path in ("/audit/people?email=a@b", "/audit/people/export?email=a@b"):
            assert client.get(path).status_code == 403
    for path in ("/audit/events", "/audit/access", "/ops", "/ai/sessions", "/api/v1/ChatSession"):
        assert dee.get(path).status_code == 403, path


def test_no_log_line_holds_what_was_looked_for(served: ServiceProcess, dee: httpx.Client) -> None:
    for query in ({"email": EMAIL}, {"phone": PHONE}, {"name": NAME}, {"email": "canary.none"}):
        dee.get("/audit/people", params=query)
    assert "canary" not in served.log.lower()
    assert "900" + "18777" not in served.log.replace(" ", "")


def test_the_command_line_takes_all_and_puts_it_on_record(
    run: Run, held: dict[str, str], dee: httpx.Client, tmp_path: Path
) -> None:
    taken = run("subject", EMAIL, "--reason", "a letter of 2 May")
    assert taken.returncode == 0, taken.stderr
    lines = [json.loads(line) for line in taken.stdout.splitlines()]
    ids = {each["session"]["sessionId"] for each in lines if "session" in each}
    assert ids == set(held.values())
    assert list(lines[-1]) == ["covers"]
    assert taken.stderr == "2 sessions hold it\n"
    file = tmp_path / "kim.json"
    assert run("subject", EMAIL, "--reason=x", "-o", str(file), "--output=json").returncode == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(json.loads(file.read_text())) >= len(lines)
    again = run("subject", EMAIL, "--reason=x", "-o", str(file))
    assert (again.returncode, "exists" in again.stderr) == (2, True)
    table = run("subject", "--name", NAME, "--reason=x", "--output=table").stdout.splitlines()
    assert [line.split("\t")[:3] for line in table] == [[held["chat"], "chat_session", "open"]]
    views = run("events", "list", "--type=audit.viewed", "--output=ndjson").stdout
    assert "a letter of 2 May" in views
    assert "canary" not in views.lower()


def test_the_command_line_refuses_what_finds_nobody(run: Run, held: dict[str, str]) -> None:
    for given in ([], ["kim"], ["--phone", "1"]):
        refused = run("subject", *given, "--reason", "x")
        assert refused.returncode == 2, refused.stderr
    assert run("subject", "nobody@example.com", "--reason", "").returncode == 2
    nobody = run("subject", "nobody@example.com", "--reason", "x")
    assert nobody.stderr == "0 sessions hold it\n"


def test_a_legal_hold_is_placed_listed_and_lifted(
    run: Run, held: dict[str, str], dee: httpx.Client
) -> None:
    chat = held["chat"]
    for given in (["add", "999999"], ["remove", chat], ["add", "gibberish"]):
        refused = run("hold", *given, "--reason", "x")
        assert (refused.returncode, "does not exist" in refused.stderr) == (2, True), refused
    assert run("hold", "add", chat, "--reason", "").returncode == 2
    placed = run("hold", "add", chat, "--reason", "a lawsuit")
    assert (placed.returncode, placed.stderr) == (0, f"{chat} is on hold\n")
    assert run("hold", "add", chat, "--reason", "another").returncode == 2
    (listed,) = json.loads(run("hold", "list", "--output=json").stdout)["holds"]
    assert (listed["target"], listed["reason"]) == (chat, "a lawsuit")
    found = dee.get("/audit/people", params={"name": NAME}).json()["sessions"]
    assert [each["hold"] for each in found] == ["a lawsuit"]
    assert "On hold" in dee.get("/audit/people.html", params={"name": NAME}).text
    assert run("hold", "remove", chat, "--reason", "it is over").returncode == 0
    assert run("hold", "list").stdout == ""
    replayed = run("replay", f"hold:{chat}").stdout
    assert "hold.placed" in replayed
    assert "it is over" in replayed
