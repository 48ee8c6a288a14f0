"""The actions of a session: proposed, listed, applied, cleared, deleted."""

import re
from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest
from support.evo_messages import from_csv
from support.refusals import refused

MAX_ACTIONS = 200
MAX_CHARACTERS = 65_536
UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
ACTION = {"functionName": "f", "arguments": '{"a":[1,"b"]}', "description": 'say "x",\n{y}'}

Client = httpx.Client


@pytest.fixture
def propose(admin: Client, session_path: str) -> Callable[..., str]:
    """Proposes an action by its members; gives its id."""

    def proposed(**members: object) -> str:
        answer = admin.post(f"{session_path}/actions", json={"functionName": "f"} | members)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["actions"][-1]["id"])

    return proposed


def action_ids(answer: httpx.Response) -> list[str]:
    """The ids of the actions in an answer; none where there is no such member."""
    assert answer.status_code == 200, answer.text
    return [action["id"] for action in answer.json().get("actions", [])]


def test_a_proposed_action_is_shown_by_every_answer(
    admin: Client, session: str, session_path: str
) -> None:
    answer = admin.post(f"{session_path}/actions", json=ACTION)
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    (action,) = answer.json()["actions"]
    assert list(action) == [
        "date", "id", "functionName", "arguments", "description", "canBeApplied",
    ]  # fmt: skip
    assert {name: action[name] for name in ACTION} == ACTION
    assert action["canBeApplied"] is True
    assert UTC.fullmatch(action["date"])
    assert admin.get(session_path).content == answer.content
    listed = admin.get("/ai/sessions", params={"specificIds": session})
    assert listed.json()["items"] == [answer.json()]
    patched = admin.patch(session_path, json={"purpose": "other"})
    assert patched.json()["actions"] == [action]


def test_actions_stand_after_the_purpose_and_in_the_order_of_their_proposals(
    admin: Client, session_path: str, propose: Callable[..., str]
) -> None:
    ids = [propose(description=str(number)) for number in range(3)]
    shown = admin.get(session_path)
    assert list(shown.json())[2:4] == ["purpose", "actions"]
    assert action_ids(shown) == ids


def test_actions_are_shown_in_every_format(
    admin: Client, session_path: str, propose: Callable[..., str]
) -> None:
    propose(**ACTION)
    (action,) = admin.get(session_path).json()["actions"]
    date, key = action["date"], action["id"]
    arguments, description = '"{""a"":[1,""b""]}"', '"say ""x"",\n{y}"'
    jsv = (
        f'[{{date:"{date}",id:{key},functionName:f,arguments:{arguments},'
        f"description:{description},canBeApplied:True}}]"
    )
    assert f",actions:{jsv},id:" in admin.get(f"{session_path}.jsv").text
    assert from_csv(admin.get(f"{session_path}.csv").text)["actions"] == jsv
    xml = (
        "<Actions><AISessionActionInfo>"
        '<Arguments>{"a":[1,"b"]}</Arguments><CanBeApplied>true</CanBeApplied>'
        f'<Date>{date}</Date><Description>say "x",\n{{y}}</Description>'
        "<FunctionName>f</FunctionName>"
        f"<Id>{key}</Id></AISessionActionInfo></Actions>"
    )
    assert xml in admin.get(f"{session_path}.xml").text


def test_applying_takes_the_actions_that_can_be_applied(
    admin: Client, session_path: str, propose: Callable[..., str]
) -> None:
    propose()
    kept = propose(canBeApplied=False)
    propose(canBeApplied=True)
    answer = admin.post(f"{session_path}/apply")
    assert (action_ids(answer), answer.headers["ETag"]) == ([kept], '"5"')
    again = admin.post(f"{session_path}/apply")
    assert (again.content, again.headers["ETag"]) == (answer.content, '"5"')


def test_clearing_takes_all(admin: Client, session_path: str, propose: Callable[..., str]) -> None:
    propose()
    propose(canBeApplied=False)
    answer = admin.delete(f"{session_path}/actions")
    assert "actions" not in answer.json()
    assert admin.get(session_path).content == answer.content
    again = admin.delete(f"{session_path}/actions")
    assert (again.status_code, again.headers["ETag"]) == (200, answer.headers["ETag"])


def test_one_action_can_be_deleted_once(
    admin: Client, session: str, session_path: str, propose: Callable[..., str]
) -> None:
    first, second, third = propose(), propose(), propose()
    answer = admin.delete(f"{session_path}/actions/{second}")
    assert action_ids(answer) == [first, third]
    gone = admin.delete(f"{session_path}/actions/{second}")
    assert (gone.status_code, refused("json", gone.content).code) == (404, "NotFound")
    by_name = admin.post(
        "/api/DeleteAISessionAction",
        json={"sessionId": session, "actionId": third},
    )
    assert action_ids(by_name) == [first]


@pytest.mark.usefixtures("session", "_nothing_is_stored")
@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "NotEmpty", "FunctionName"),
        ({"functionName": None}, "NotEmpty", "FunctionName"),
        ({"functionName": ""}, "ValidationException", "FunctionName"),
        ({"functionName": "f" * 256}, "ValidationException", "FunctionName"),
        ({"functionName": 5}, "ValidationException", "FunctionName"),
        ({"functionName": "f", "arguments": {"a": 1}}, "ValidationException", "Arguments"),
        (
            {"functionName": "f", "arguments": "a" * (MAX_CHARACTERS + 1)},
            "ValidationException", "Arguments",
        ),
        (
            {"functionName": "f", "description": "a" * (MAX_CHARACTERS + 1)},
            "ValidationException", "Description",
        ),
        ({"functionName": "f", "description": "a\0"}, "InvalidCharacter", "Description"),
        ({"functionName": "f", "canBeApplied": "maybe"}, "ValidationException", "CanBeApplied"),
        ({"functionName": "f", "sessionId": "other"}, "BadRequest", "SessionId"),
    ],
    ids=[
        "nothing", "null", "empty", "long", "number", "object", "long arguments",
        "long description", "NUL", "no truth value", "another session",
    ],
)  # fmt: skip
def test_a_bad_proposal_is_named(
    admin: Client, session_path: str, body: dict[str, object], code: str, field: str
) -> None:
    answer = admin.post(f"{session_path}/actions", json=body)
    assert answer.status_code == 400, answer.text
    found = refused("json", answer.content)
    assert (found.code, found.fields) == (code, [field])


def test_the_longest_proposal_is_welcome(
    admin: Client, session_path: str, propose: Callable[..., str]
) -> None:
    text = "a" * MAX_CHARACTERS
    propose(functionName="f" * 255, arguments=text, description=text)
    assert admin.get(session_path).json()["actions"][0]["arguments"] == text


def test_a_session_has_so_many_actions_and_no_more(
    admin: Client, session: str, session_path: str
) -> None:
    body = {"sessionId": session, "functionName": "f"}
    filled = admin.post("/api/NewAISessionAction[]", json=[body] * MAX_ACTIONS)
    assert filled.headers["X-AutoBatch-Completed"] == str(MAX_ACTIONS)
    answer = admin.post(f"{session_path}/actions", json={"functionName": "f"})
    assert 400 <= answer.status_code < 500
    assert refused("json", answer.content).message
    assert len(action_ids(admin.get(session_path))) == MAX_ACTIONS
    assert "actions" not in admin.delete(f"{session_path}/actions").json()
    assert admin.post(f"{session_path}/actions", json={"functionName": "f"}).status_code == 200


@pytest.mark.usefixtures("session", "_nothing_is_stored")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/ai/sessions/none/actions"),
        ("POST", "/ai/sessions/none/apply"),
        ("DELETE", "/ai/sessions/none/actions"),
        ("DELETE", "/ai/sessions/none/actions/none"),
        ("DELETE", "{session_path}/actions/none"),
        ("DELETE", "{session_path}/actions/%00"),
    ],
)
def test_what_is_not_there_is_not_found(
    admin: Client, session_path: str, method: str, path: str
) -> None:
    body = {"functionName": "f"} if method == "POST" and path.endswith("/actions") else None
    answer = admin.request(method, path.format(session_path=session_path), json=body)
    assert (answer.status_code, refused("json", answer.content).code) == (404, "NotFound")


def test_a_deleted_session_has_no_actions(
    admin: Client, session_path: str, propose: Callable[..., str]
) -> None:
    action = propose()
    admin.delete(session_path)
    for method, path in (
        ("POST", "/actions"), ("POST", "/apply"),
        ("DELETE", "/actions"), ("DELETE", f"/actions/{action}"),
    ):  # fmt: skip
        body = {"functionName": "f"} if path == "/actions" and method == "POST" else None
        assert admin.request(method, session_path + path, json=body).status_code == 404


def test_a_condition_holds_for_actions_too(
    admin: Client, session_path: str, propose: Callable[..., str]
) -> None:
    action = propose()
    for method, path in (
        ("POST", "/actions"), ("POST", "/apply"),
        ("DELETE", "/actions"), ("DELETE", f"/actions/{action}"),
    ):  # fmt: skip
        body = {"functionName": "f"} if path == "/actions" and method == "POST" else None
        headers = {"If-Match": '"1"'}
        answer = admin.request(method, session_path + path, json=body, headers=headers)
        assert (answer.status_code, answer.headers["ETag"]) == (412, '"2"')


def test_a_retried_proposal_proposes_once(admin: Client, session_path: str) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    first = admin.post(f"{session_path}/actions", json=ACTION, headers=headers)
    again = admin.post(f"{session_path}/actions", json=ACTION, headers=headers)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert action_ids(admin.get(session_path)) == action_ids(first)
