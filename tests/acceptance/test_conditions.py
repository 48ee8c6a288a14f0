"""Conditions on commands, safe retries, and who may call, as a client sees them."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess

CHAT = "/api/v1/ChatSession"
MADE = {"purpose": "triage"}
COMMANDS = {
    "new session": ("POST", "/ai/sessions"),
    "patch session": ("PATCH", "/ai/sessions/{session}"),
    "delete session": ("DELETE", "/ai/sessions/{session}"),
    "new account": ("POST", "/accounts"),
    "patch account": ("PATCH", "/accounts/String"),
    "new chat": ("POST", CHAT),
    "put chat": ("PUT", CHAT + "/{chat}"),
    "delete chat": ("DELETE", CHAT + "/{chat}"),
}


@pytest.fixture
def chat(admin: httpx.Client) -> str:
    """The path of a fresh chat session."""
    return f"{CHAT}/{admin.post(CHAT, json={}).json()['ChatSessionId']}"


@pytest.fixture
def targets(session: str, chat: str) -> dict[str, str]:
    """What the templates of COMMANDS need."""
    return {"session": session, "chat": chat.rpartition("/")[2]}


def key() -> dict[str, str]:
    """The header of a key that nobody had before."""
    return {"Idempotency-Key": str(uuid4())}


def position(answer: httpx.Response) -> int:
    """Where in the log a command's answer says that its stream ends."""
    partition, _, number = answer.headers["X-Log-Position"].partition(":")
    assert partition == "0"
    return int(number)


def assert_refused(answer: httpx.Response, status: int, code: str | None = None) -> None:
    """A refusal in the shape of the face that it came from."""
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    body: dict[str, Any] = answer.json()
    if answer.request.url.path.startswith("/api/v1"):
        assert list(body) == ["Error", "ErrorType", "ErrorMessage", "ErrorSource"]
        assert body["Error"] is True
    else:
        assert list(body) == ["responseStatus"]
        assert list(body["responseStatus"]) == ["errorCode", "message", "errors"]
        assert code is None or body["responseStatus"]["errorCode"] == code


def test_every_command_says_version_and_position(admin: httpx.Client) -> None:
    opened = admin.post("/ai/sessions", json=MADE)
    assert opened.headers["ETag"] == '"1"'
    patched = admin.patch(f"/ai/sessions/{opened.json()['id']}", json={"purpose": "other"})
    assert patched.headers["ETag"] == '"2"'
    assert position(patched) == position(opened) + 1
    deleted = admin.delete(f"/ai/sessions/{opened.json()['id']}")
    assert deleted.headers["ETag"] == '"3"'
    assert position(deleted) == position(patched) + 1
    chat = admin.post(CHAT, json={})
    assert (chat.headers["ETag"], position(chat)) == ('"1"', position(deleted) + 1)


def test_a_command_that_changes_nothing_says_where_the_session_is(
    admin: httpx.Client, session_path: str
) -> None:
    first = admin.patch(session_path, json={"purpose": "x"})
    again = admin.patch(session_path, json={"purpose": "x"})
    assert again.headers["ETag"] == first.headers["ETag"] == '"2"'
    assert position(again) == position(first)


@pytest.mark.parametrize("condition", ['"1"', "*", '"7", "1"'], ids=["version", "any", "one of"])
def test_a_condition_that_holds_lets_the_command_pass(
    admin: httpx.Client, session_path: str, chat: str, condition: str
) -> None:
    for method, path, body in (
        ("PATCH", session_path, {"purpose": "y"}),
        ("PUT", chat, {"CustomerName": "Kim"}),
    ):
        answer = admin.request(method, path, json=body, headers={"If-Match": condition})
        assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')


CHANGES_OF_WHAT_IS_THERE = [
    ("PATCH", "/ai/sessions/{session}", {"purpose": "y"}),
    ("POST", "/api/PatchAISession", {"sessionId": "{session}", "purpose": "y"}),
    ("POST", "/ai/sessions/{session}/actions", {"functionName": "f"}),
    ("POST", "/api/NewAISessionAction", {"sessionId": "{session}", "functionName": "f"}),
    ("POST", "/api/ApplyAISession", {"sessionId": "{session}"}),
    ("POST", "/api/ClearAISessionActions", {"sessionId": "{session}"}),
    ("DELETE", "/ai/sessions/{session}", None),
    ("POST", "/accounts", {"id": "{account}", "name": "again"}),
    ("PATCH", "/accounts/{account}", {"name": "y"}),
]


@pytest.mark.parametrize("condition", ["*", '"7", W/"1"', '"1"'], ids=["any", "a list", "one"])
@pytest.mark.parametrize(("method", "template", "body"), CHANGES_OF_WHAT_IS_THERE)
def test_what_is_to_be_done_unless_it_is_there_is_not_done(
    admin: httpx.Client,
    session: str,
    method: str,
    template: str,
    body: dict[str, str] | None,
    condition: str,
) -> None:
    account = str(uuid4())
    admin.post("/accounts", json={"id": account, "name": "first"})
    sent = (
        None
        if body is None
        else {name: value.format(session=session, account=account) for name, value in body.items()}
    )
    path = template.format(session=session, account=account)
    answer = admin.request(method, path, json=sent, headers={"If-None-Match": condition})
    assert_refused(answer, 412, "PreconditionFailed")
    assert answer.headers["ETag"] == '"1"'
    for there in (f"/ai/sessions/{session}", f"/accounts/{account}"):
        assert admin.get(there).headers["ETag"] == '"1"', "nothing changed"


@pytest.mark.parametrize("condition", ['"7"', '"abc"', 'W/"2", "3-gzip"'])
def test_what_has_no_version_that_is_excluded_is_changed(
    admin: httpx.Client, session_path: str, chat: str, condition: str
) -> None:
    for method, path, body in (
        ("PATCH", session_path, {"purpose": "y"}),
        ("PUT", chat, {"CustomerName": "Kim"}),
    ):
        answer = admin.request(method, path, json=body, headers={"If-None-Match": condition})
        assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')


def test_what_is_not_there_has_no_version_to_exclude(admin: httpx.Client) -> None:
    nobody = {"If-None-Match": "*"}
    assert admin.post("/ai/sessions", json=MADE, headers=nobody).status_code == 200
    assert admin.post(CHAT, json={}, headers=nobody).status_code == 200
    missing = admin.patch(f"/ai/sessions/{uuid4()}", json=MADE, headers=nobody)
    assert_refused(missing, 404, "NotFound")
    assert_refused(admin.put(f"{CHAT}/2147483647", json={}, headers=nobody), 404)


def test_both_conditions_on_a_version_must_hold(admin: httpx.Client, session_path: str) -> None:
    for there, excluded, status in (('"1"', '"1"', 412), ('"2"', '"7"', 412), ('"1"', '"7"', 200)):
        headers = {"If-Match": there, "If-None-Match": excluded}
        answer = admin.patch(session_path, json={"purpose": "y"}, headers=headers)
        assert answer.status_code == status, (there, excluded)


def test_a_condition_that_fails_tells_the_present_version(
    admin: httpx.Client, session_path: str, chat: str
) -> None:
    for method, path, body in (
        ("PATCH", session_path, {"purpose": "y"}),
        ("DELETE", session_path, None),
        ("PUT", chat, {"CustomerName": "Kim"}),
        ("DELETE", chat, None),
    ):
        answer = admin.request(method, path, json=body, headers={"If-Match": '"2"'})
        assert_refused(answer, 412, "PreconditionFailed")
        assert answer.headers["ETag"] == '"1"'
        assert admin.get(path).headers["ETag"] == '"1"', "nothing changed"


@pytest.mark.parametrize("name", ["new session", "patch session", "new chat", "put chat"])
def test_a_retry_gets_the_first_answer(
    admin: httpx.Client, targets: dict[str, str], name: str
) -> None:
    method, path = COMMANDS[name]
    path = path.format(**targets)
    body = {"purpose": "once", "CustomerName": "once"}
    headers = key()
    first = admin.request(method, path, json=body, headers=headers)
    assert first.status_code == 200
    assert "Idempotent-Replayed" not in first.headers
    if "{" in COMMANDS[name][1]:  # the session moves on meanwhile
        later = {"purpose": "twice", "CustomerName": "twice"}
        assert admin.request(method, path, json=later).headers["ETag"] == '"3"'
    for _ in range(2):
        again = admin.request(method, path, json=body, headers=headers)
        assert (again.status_code, again.content) == (200, first.content)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert again.headers["ETag"] == first.headers["ETag"]
        assert position(again) == position(first)


def test_a_retried_deletion_is_no_error(admin: httpx.Client, session_path: str, chat: str) -> None:
    for path in (session_path, chat):
        headers = key()
        first = admin.delete(path, headers=headers)
        again = admin.delete(path, headers=headers)
        assert (first.status_code, again.status_code) == (204, 204)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert admin.delete(path, headers=key()).status_code == 404


def test_a_key_that_comes_back_with_another_command_is_refused(
    admin: httpx.Client, session_path: str
) -> None:
    headers = key()
    made = admin.post("/ai/sessions", json=MADE, headers=headers)
    for method, path, body in (
        ("POST", "/ai/sessions", {"purpose": "another"}),
        ("PATCH", session_path, MADE),
        ("POST", CHAT, {}),
        ("POST", "/accounts", {"name": "another"}),
    ):
        answer = admin.request(method, path, json=body, headers=headers)
        assert_refused(answer, 422, "IdempotencyKeyReused")
        assert headers["Idempotency-Key"] not in answer.text
    assert position(admin.post("/ai/sessions", json=MADE)) == position(made) + 1


@pytest.mark.parametrize("length", [1, 255], ids=["shortest", "longest"])
def test_keys_have_1_to_255_characters(admin: httpx.Client, length: int) -> None:
    headers = {"Idempotency-Key": (str(uuid4()) * 8)[:length]}
    first = admin.post("/ai/sessions", json=MADE, headers=headers)
    assert admin.post("/ai/sessions", json=MADE, headers=headers).content == first.content


async def test_fifty_equal_posts_at_once_make_one_session(
    served: ServiceProcess, admin: httpx.Client
) -> None:
    before = position(admin.post("/ai/sessions", json=MADE))
    limits = httpx.Limits(max_connections=50)
    async with httpx.AsyncClient(
        base_url=served.base_url, auth=ADMIN, limits=limits, timeout=patient(60.0)
    ) as client:
        for path, body in (("/ai/sessions", MADE), (CHAT, {"Rank": 1})):
            headers = key()
            answers = await asyncio.gather(
                *(client.post(path, json=body, headers=headers) for _ in range(50))
            )
            made = [answer for answer in answers if answer.status_code == 200]
            firsts = [answer for answer in made if "Idempotent-Replayed" not in answer.headers]
            assert len(firsts) == 1
            assert {answer.content for answer in made} == {firsts[0].content}
            for answer in answers:
                if answer.status_code != 200:
                    assert_refused(answer, 409, "IdempotencyKeyInFlight")
                    assert int(answer.headers["Retry-After"]) >= 1
    assert position(admin.post("/ai/sessions", json=MADE)) == before + 3


def test_another_s_key_opens_nothing(admin: httpx.Client, auditor: httpx.Client) -> None:
    headers = key()
    made = admin.post("/ai/sessions", json=MADE, headers=headers)
    answer = auditor.post("/ai/sessions", json=MADE, headers=headers)
    assert_refused(answer, 403)
    assert made.json()["id"] not in answer.text


@pytest.mark.parametrize("name", COMMANDS)
def test_nobody_may_command_without_credentials(
    anonymous: httpx.Client, targets: dict[str, str], name: str
) -> None:
    method, path = COMMANDS[name]
    answer = anonymous.request(method, path.format(**targets), json={"name": "x"})
    assert_refused(answer, 401, "Unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize("name", COMMANDS)
def test_who_looks_on_may_not_command(
    auditor: httpx.Client, admin: httpx.Client, targets: dict[str, str], name: str
) -> None:
    before = position(admin.patch("/accounts/String", json={}))
    method, path = COMMANDS[name]
    answer = auditor.request(method, path.format(**targets), json={"name": "x", "purpose": "x"})
    assert_refused(answer, 403, "Forbidden")
    assert position(admin.patch("/accounts/String", json={})) == before


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic",
        "Basic %%%",
        "Basic YWRtaW4=",  # no colon
        "Basic YWRtaW46d3Jvbmc=",  # a wrong password
        "Basic bm9ib2R5OndobyBpcyB0aGlz",  # an unknown name
        "Basic YWRtaW46",  # an empty password
        "Basic /w==",  # no UTF-8
        "Basic YQBiOmM=",  # NUL in the name
        "Bearer nothing-we-ever-gave",
        "Bearer",
        "Negotiate abc",
        "",
    ],
)
def test_wrong_credentials_open_nothing(
    anonymous: httpx.Client, session_path: str, chat: str, authorization: str
) -> None:
    for path in (session_path, chat):
        answer = anonymous.get(path, headers={"Authorization": authorization})
        assert_refused(answer, 401, "Unauthorized")
        assert "WWW-Authenticate" in answer.headers


def test_the_second_time_with_a_wrong_password_is_no_better(
    client: Any,  # noqa: ANN401  # the fixture
    admin: httpx.Client,
    session_path: str,
) -> None:
    for _ in range(3):
        assert client((ADMIN[0], "wrong")).get(session_path).status_code == 401
        assert admin.get(session_path).status_code == 200


def test_a_token_calls_as_its_user(
    served: ServiceProcess, anonymous: httpx.Client, session_path: str
) -> None:
    given = served.command("users", "token", ADMIN[0])
    assert given.returncode == 0, given.stderr
    headers = {"Authorization": f"Bearer {given.stdout.strip()}"}
    assert given.stdout.count("\n") == 1, "the token is alone on stdout"
    patched = anonymous.patch(session_path, json={"purpose": "by token"}, headers=headers)
    assert patched.json()["lastModifiedBy"] == ADMIN[0]
