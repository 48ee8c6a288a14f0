"""The security log: a line for each thing done with credentials, or refused."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess
from support.service_process import service as running_service

AUDREY = ("audrey", "she may look on, no more")
COOKIES = {"userName": ADMIN[0], "password": ADMIN[1]}
WANTED = {"userId": AUDREY[0]}
FIXED = {"time", "level", "logger", "message", "requestId", "worker", "event", "address", "face"}


@pytest.fixture(scope="module")
def served() -> Iterator[ServiceProcess]:
    """A service that logs for programs, and nothing below an error."""
    with running_service("--log-format=json", "--log-level=error", "--behind-proxy") as started:
        added = started.command(
            "users", "add", AUDREY[0], "--role=Auditor", "--password-stdin", stdin=AUDREY[1]
        )
        assert added.returncode == 0, added.stderr
        yield started


class Watched:
    """What calls add to the security log."""

    def __init__(self, served: ServiceProcess) -> None:
        self.served = served
        self.before = len(self.lines())

    def lines(self) -> list[dict[str, Any]]:
        every = [json.loads(line) for line in self.served.log.splitlines() if line[:1] == "{"]
        return [line for line in every if line["logger"] == "sessionary.security"]

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {
            "X-Request-Id": "r-1",
            "X-Forwarded-For": "192.0.2.7",
            **options.pop("headers", {}),
        }
        return httpx.request(
            method, f"{self.served.base_url}{path}", headers=headers, timeout=patient(60.0),
            **options,
        )  # fmt: skip

    def added(self) -> list[dict[str, Any]]:
        """The lines since it was made, each checked for what all of them have."""
        lines = self.lines()[self.before :]
        for line in lines:
            assert line.keys() >= FIXED
            assert datetime.fromisoformat(line["time"]).utcoffset() is not None
            assert (line["requestId"], line["address"]) == ("r-1", "192.0.2.7")
            assert line["worker"] == "worker-1"
        return lines


@pytest.fixture
def watched(served: ServiceProcess) -> Watched:
    """From now on; that the two call at all is told before."""
    for who in (ADMIN, AUDREY):
        assert Watched(served).call("GET", "/accounts", auth=who).status_code == 200
    return Watched(served)


def test_a_sign_in_a_token_and_a_sign_out_are_a_line_each(watched: Watched) -> None:
    signed_in = watched.call("POST", "/auth/credentials", json=COOKIES)
    cookies = dict(signed_in.cookies)
    issued = watched.call("POST", "/json/reply/RequestAuthToken", json=WANTED, auth=ADMIN)
    assert issued.status_code == 200, issued.text
    watched.call("POST", "/auth/logout", headers={"Cookie": f"ss-id={cookies['ss-id']}"})
    lines = watched.added()
    assert [line["event"] for line in lines] == ["signed_in", "token_issued", "signed_out"]
    assert [line["principal"] for line in lines] == [ADMIN[0]] * 3
    assert lines[1]["subject"] == AUDREY[0]
    assert {line["level"] for line in lines} == {"INFO"}


@pytest.mark.parametrize(
    ("headers", "auth", "event"),
    [
        ({}, None, "no_credentials"),
        ({}, ("admin", "wrong"), "sign_in_refused"),
        ({}, ("no such user", "wrong"), "sign_in_refused"),
        ({"Authorization": "Bearer made-up"}, None, "sign_in_refused"),
        ({"Authorization": "Digest x"}, None, "sign_in_refused"),
        ({"Cookie": "ss-id=" + "A" * 43}, None, "sign_in_refused"),
    ],
    ids=["nothing", "password", "user", "token", "scheme", "cookie"],
)
@pytest.mark.parametrize("path", ["/accounts", "/api/v1/ChatSession", "/metrics"])
def test_a_refused_caller_is_one_line_with_a_reason(
    watched: Watched, path: str, headers: dict[str, str], auth: tuple[str, str] | None, event: str
) -> None:
    assert watched.call("GET", path, headers=headers, auth=auth).status_code in (401, 429)
    (line,) = watched.added()
    assert line["event"] in (event, "throttled")
    assert line["event"] == "no_credentials" or line["reason"]
    assert "principal" not in line


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/accounts", {"id": "a1", "name": "A"}),
        ("POST", "/api/NewAISession[]", [{}]),
        ("POST", "/api/v1/ChatSession", {}),
        ("GET", "/metrics", None),
    ],
)
def test_a_forbidden_operation_is_one_line_with_its_name(
    watched: Watched, method: str, path: str, body: object
) -> None:
    refused = watched.call(method, path, json=body, auth=AUDREY)
    assert refused.status_code == 403, refused.text
    (line,) = watched.added()
    assert (line["event"], line["principal"], line["level"]) == (
        "forbidden", AUDREY[0], "WARNING"
    )  # fmt: skip
    assert line["operation"]
    assert "Role Required" in line["reason"]


MARK = "canary-of-refused-input"
REFUSED: dict[str, tuple[int, dict[str, Any]]] = {
    "malformed JSON": (400, {"content": f'{{"{MARK}'}),
    "malformed XML": (400, {"content": f"<{MARK}", "headers": {"Content-Type": "application/xml"}}),
    "another type": (400, {"content": '{"purpose": []}'}),
    "malformed query": (400, {"path": f"/ai/sessions?{MARK}=%ff"}),
    "no host": (400, {"headers": {"Host": "a/b"}}),
    "another host": (421, {"headers": {"Host": f"{MARK}.example"}}),
    "long body": (413, {"content": b"[" * (1024 * 1024 + 1)}),
    "unknown type": (415, {"content": MARK, "headers": {"Content-Type": f"text/{MARK}"}}),
    "long URL": (414, {"path": f"/ai/sessions?a={'a' * 20_000}"}),
    "long headers": (431, {"headers": {"X-Long": "a" * 17_000}}),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_input_is_a_line_the_first_time_in_a_minute(watched: Watched, what: str) -> None:
    status, sent = REFUSED[what]
    # (An address of its own, so that it is the first.)
    address = f"192.0.2.{10 + list(REFUSED).index(what)}"
    headers = {**sent.get("headers", {}), "X-Forwarded-For": address}
    path = sent.get("path", "/ai/sessions")
    for number in range(3):
        headers["X-Request-Id"] = f"{address}-{number}"
        answer = watched.call(
            "POST", path, content=sent.get("content", b""), auth=ADMIN, headers=headers
        )
        assert (answer.status_code, answer.headers["X-Request-Id"]) == (
            status, headers["X-Request-Id"]
        )  # fmt: skip
    lines = [each for each in watched.lines()[watched.before :] if each["event"] != "signed_in"]
    (line,) = lines
    assert (line["event"], line["status"], line["count"]) == ("input_refused", status, 1)
    assert (line["address"], line["requestId"]) == (address, f"{address}-0")
    assert line["reason"].isalpha()
    assert MARK not in json.dumps(line)
    assert "sessions" not in json.dumps(line)


def test_what_refused_input_was_counted_is_told_at_the_end() -> None:
    with running_service("--log-format=json") as started:
        for _ in range(4):
            refused = httpx.post(
                f"{started.base_url}/ai/sessions", content=b"{", auth=ADMIN, timeout=patient(60.0)
            )
            assert refused.status_code == 400
        assert started.stop() == 0
        lines = [json.loads(line) for line in started.log.splitlines() if line[:1] == "{"]
    counts = [line["count"] for line in lines if line.get("event") == "input_refused"]
    assert counts == [1, 3]


def test_guessing_is_told_until_it_is_throttled(watched: Watched) -> None:
    for _ in range(8):
        watched.call("GET", "/accounts", auth=("guessed", "wrong"))
    events = [line["event"] for line in watched.added()]
    assert events[:5] == ["sign_in_refused"] * 5
    assert events[-1] == "throttled"


@pytest.mark.parametrize("means", ["basic", "token"])
def test_a_call_by_a_credential_of_its_own_is_a_line_the_first_time(
    served: ServiceProcess, watched: Watched, means: str
) -> None:
    name, password = f"first-{means}", "a long one of its own"
    served.command("users", "add", name, "--role=Auditor", "--password-stdin", stdin=password)
    made = served.command("tokens", "add", name, "--output=json")
    token = json.loads(made.stdout)
    bearer = {"Authorization": f"Bearer {token['token']}"}
    headers, auth = (bearer, None) if means == "token" else ({}, (name, password))
    for _ in range(3):
        for path in ("/accounts", "/api/v1/ChatSession"):
            assert watched.call("GET", path, headers=headers, auth=auth).status_code == 200
    (line,) = watched.added()
    assert (line["event"], line["principal"], line["auth"]) == ("signed_in", name, means)
    assert line.get("tokenId") == (token["id"] if means == "token" else None)
    elsewhere = {**headers, "X-Forwarded-For": "192.0.2.8"}
    watched.call("GET", "/accounts", headers=elsewhere, auth=auth)
    told = [line["address"] for line in watched.lines()[watched.before :]]
    assert told == ["192.0.2.7", "192.0.2.8"]


def test_what_is_done_by_right_is_no_further_line(served: ServiceProcess) -> None:
    assert Watched(served).call("GET", "/accounts", auth=ADMIN).status_code == 200
    watched = Watched(served)
    assert watched.call("GET", "/accounts", auth=ADMIN).status_code == 200
    assert watched.call("POST", "/ai/sessions", json={}, auth=ADMIN).status_code == 200
    assert watched.call("GET", "/health/live").status_code == 200
    assert watched.call("GET", "/nowhere").status_code == 404
    assert watched.call("GET", "/accounts/nobody", auth=ADMIN).status_code == 404
    assert watched.added() == []
