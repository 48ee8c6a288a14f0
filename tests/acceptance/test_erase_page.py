"""Somebody's personal data is erased by a form, and by the policy of retention."""

import json
import re
from collections.abc import Callable, Iterator
from subprocess import CompletedProcess

import httpx
import pytest
from support.patience import patient
from support.person import ACCEPT
from support.service_process import ADMIN, ServiceProcess, service, sessionary

PASSWORD = "right as rain"
EMAIL, NAME = "canary.pat@example.com", "Pat Canary"
Run = Callable[..., CompletedProcess[str]]


@pytest.fixture(scope="module")
def erasing() -> Iterator[ServiceProcess]:
    """A service of its own, with somebody who protects data."""
    with service() as served:
        role = "--role=DataProtection"
        for name in ("dee", "ada"):
            added = served.command("users", "add", name, role, "--password-stdin", stdin=PASSWORD)
            assert added.returncode == 0, added.stderr
        yield served


def chat(served: ServiceProcess, email: str, said: str = "") -> str:
    new = {"CustomerName": NAME, "CustomerEmail": email}
    url = f"{served.base_url}/api/v1/ChatSession"
    made = httpx.post(url, json=new, auth=ADMIN, timeout=patient(60.0))
    number = str(made.json()["ChatSessionId"])
    if said:
        message = {"Type": "ToUser", "Message": said}
        url = f"{url}/{number}/Messages"
        assert httpx.post(url, json=message, auth=ADMIN, timeout=patient(60.0)).is_success
    return number


@pytest.fixture
def dee(erasing: ServiceProcess) -> Iterator[httpx.Client]:
    """Has signed in by the form, as a browser."""
    headers = {"Accept": ACCEPT}
    with httpx.Client(
        base_url=erasing.base_url, headers=headers, timeout=patient(60.0), follow_redirects=True
    ) as client:
        form = hidden(client.get("/login").text)
        signed = client.post("/login", data={**form, "userName": "dee", "password": PASSWORD})
        assert signed.is_success, signed.text
        yield client


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of a page's forms."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))


def test_a_form_tells_what_goes_and_stays_and_erases(
    erasing: ServiceProcess, dee: httpx.Client
) -> None:
    first, second = chat(erasing, EMAIL), chat(erasing, EMAIL.upper())
    other = chat(erasing, "somebody@example.com", said=f"Ask {EMAIL}")
    found = dee.get("/audit/people", params={"email": EMAIL}).text
    assert "/audit/people/erase?email=" in found
    page = dee.get("/audit/people/erase", params={"email": EMAIL}).text
    assert all(f"<li>{each}, 1 event, of the customer" in page for each in (first, second))
    assert f"<li>{other}</li>" in page[page.index("What only mentions the address") :]
    assert "What stays, and why" in page
    form = hidden(page[page.index("<main") :]) | {"confirm": f" {EMAIL.title()} "}
    form |= {"approvedBy": "ada", "reason": "Article 17"}
    sent = dee.post("/audit/people/erase", data=form)
    assert sent.status_code == 200, sent.text
    assert sent.url.path == "/audit/people/erasures"
    assert "canary" not in str(sent.url)
    assert "Article 17" in sent.text
    assert "dee, approved by ada" in sent.text
    receipt = dee.get(f"/audit/receipts/{sent.url.params['id']}")
    assert (receipt.status_code, f'{receipt.url.path}">Receipt</a>' in sent.text) == (200, True)
    (erasure,) = dee.get(f"{sent.url}&format=json").json()["erasures"]
    assert {each["sessionId"] for each in erasure["sessions"]} == {first, second}
    assert erasure["askedBy"] == "dee"
    after = dee.get("/audit/people", params={"email": EMAIL, "format": "json"}).json()
    assert [each["sessionId"] for each in after["sessions"]] == [other]
    told = receipt.json()
    assert (told["approvedBy"], told["mentioned"]) == ("ada", [other])
    assert "canary" not in json.dumps(erasure)


@pytest.mark.parametrize(
    ("changed", "status"),
    [({"confirm": "other@example.com"}, 400), ({"reason": " "}, 400), ({"xsrf": "forged"}, 403),
     ({"reason": "Pat, canary.x@example.com"}, 400), ({"email": "nobody"}, 400),
     ({"approvedBy": "dee"}, 400), ({"approvedBy": "nobody"}, 400)],
    ids=str,
)  # fmt: skip
def test_a_form_that_is_not_whole_erases_nothing(
    erasing: ServiceProcess, dee: httpx.Client, changed: dict[str, str], status: int
) -> None:
    email = "canary.x@example.com"
    chat(erasing, email)
    page = dee.get("/audit/people/erase", params={"email": email}).text
    form = {**hidden(page[page.index("<main") :]), "confirm": email, "reason": "Article 17"}
    assert dee.post("/audit/people/erase", data=form | changed).status_code == status
    left = dee.get("/audit/people", params={"email": email, "format": "json"}).json()
    assert len(left["sessions"]) >= 1


def test_what_is_on_hold_has_no_form_and_is_refused(
    erasing: ServiceProcess, dee: httpx.Client
) -> None:
    email = "canary.held@example.com"
    held = chat(erasing, email)
    page = dee.get("/audit/people/erase", params={"email": email}).text
    form = {**hidden(page[page.index("<main") :]), "confirm": email, "reason": "Article 17"}
    assert erasing.command("hold", "add", held, "--reason", "a lawsuit").returncode == 0
    page = dee.get("/audit/people/erase", params={"email": email}).text
    assert "a lawsuit" in page
    assert "Erase for good" not in page
    refused = dee.post("/audit/people/erase", data=form)
    assert (refused.status_code, "a lawsuit" in refused.text) == (409, True)


def test_an_erasure_that_is_none_and_other_forms_are_refused(dee: httpx.Client) -> None:
    assert dee.get("/audit/people/erasures?id=none").status_code == 404
    refused = dee.get("/audit/people/erase?email=a@b&format=json")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "BadRequest")


def test_a_policy_erases_what_is_old_and_not_on_hold(erasing: ServiceProcess) -> None:
    old, held = chat(erasing, "canary.old@example.com"), chat(erasing, "canary.kept@example.com")
    assert erasing.command("hold", "add", held, "--reason", "a lawsuit").returncode == 0
    run = erasing.command
    for given in ([], ["--retain=182"], ["--retain=10", "--retention-floor=11"], ["--retain=0"]):
        assert run("retain", *given).returncode == 2, given
    assert run("retain", "--retain=183").stderr == "0 sessions were erased, 0 stay on hold\n"
    aged = sessionary(
        "psql", f"--data-dir={erasing.data_dir}", "--", "--quiet",
        "-c", "ALTER TABLE stored_events DISABLE TRIGGER append_only",
        "-c", "UPDATE stored_events SET recorded_at = recorded_at - interval '400 days'",
        "-c", "ALTER TABLE stored_events ENABLE TRIGGER append_only",
    )  # fmt: skip
    assert aged.returncode == 0, aged.stderr
    due = run("retain", "--retain=365", "--dry-run")
    reasons = {each["sessionId"]: each["hold"] for each in map(json.loads, due.stdout.splitlines())}
    assert (reasons[old], reasons[held]) == (None, "a lawsuit")
    done = run("retain", "--retain=365")
    assert done.returncode == 0, done.stderr
    erased = [json.loads(line) for line in done.stdout.splitlines()]
    assert {each["form"] for each in erased} == {"sessionary/receipt/v1"}
    assert old in {each["sessionId"] for one in erased for each in one["sessions"]}
    again = run("retain", "--retain=365", "--dry-run")
    left = {json.loads(line)["hold"] for line in again.stdout.splitlines()}
    assert left == {"a lawsuit"}
