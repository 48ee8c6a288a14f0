"""Conditions on commands, as a client sees them."""

from uuid import uuid4

import httpx
import pytest
from support.conditions import assert_refused, follows, position

CHAT = "/api/v1/ChatSession"
MADE = {"purpose": "triage"}


def test_every_command_says_version_and_position(admin: httpx.Client) -> None:
    opened = admin.post("/ai/sessions", json=MADE)
    assert opened.headers["ETag"] == '"1"'
    patched = admin.patch(f"/ai/sessions/{opened.json()['id']}", json={"purpose": "other"})
    assert patched.headers["ETag"] == '"2"'
    assert follows(position(patched), position(opened))
    deleted = admin.delete(f"/ai/sessions/{opened.json()['id']}")
    assert deleted.headers["ETag"] == '"3"'
    assert follows(position(deleted), position(patched))
    chat = admin.post(CHAT, json={})
    assert chat.headers["ETag"] == '"1"'
    assert follows(position(chat), position(deleted))


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
