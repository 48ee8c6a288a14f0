"""What contradicts the path is refused, what repeats it is welcome."""

import httpx
import pytest
from support.refusals import refused


@pytest.mark.usefixtures("session", "_nothing_is_stored")
@pytest.mark.parametrize(
    ("content_type", "body", "query"),
    [
        ("application/json", '{"sessionId":"other","purpose":"x"}', ""),
        ("application/json", '{"SessionID":"other","purpose":"x"}', ""),
        ("application/xml", "<PatchAISession><SessionId>other</SessionId></PatchAISession>", ""),
        ("text/jsv", "{purpose:x,sessionId:other}", ""),
        ("text/csv", "SessionId,Purpose\r\nother,x\r\n", ""),
        ("application/x-www-form-urlencoded", "purpose=x&sessionId=other", ""),
        ("application/json", '{"purpose":"x"}', "?sessionId=other"),
        ("application/json", '{"purpose":"x"}', "?SESSIONID=other"),
    ],
    ids=["json", "json in another case", "xml", "jsv", "csv", "form", "query", "query, case"],
)
def test_what_contradicts_the_path_is_refused(
    admin: httpx.Client, session: str, content_type: str, body: str, query: str
) -> None:
    headers = {"Content-Type": content_type, "Accept": "application/json"}
    answer = admin.patch(f"/ai/sessions/{session}{query}", content=body, headers=headers)
    assert answer.status_code == 400
    assert refused("json", answer.content).fields == ["SessionId"]


@pytest.mark.usefixtures("session", "_nothing_is_stored")
@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/ai/sessions/{session}", {"sessionId": "other"}, "SessionId"),
        ("/ai/sessions/{session}/actions", {"sessionId": "other"}, "SessionId"),
        ("/ai/sessions/{session}/actions/a", {"actionId": "other"}, "ActionId"),
        ("/ai/sessions/{session}/actions/a", {"sessionId": "other"}, "SessionId"),
    ],
    ids=["a session", "its actions", "another action", "an action of another"],
)
def test_a_deletion_that_contradicts_its_path_is_refused(
    admin: httpx.Client, session: str, path: str, body: dict[str, str], field: str
) -> None:
    answer = admin.request("DELETE", path.format(session=session), json=body)
    assert answer.status_code == 400
    assert refused("json", answer.content).fields == [field]


@pytest.mark.parametrize("path", ["/ai/sessions/{session}", "/api/DeleteAISession"])
def test_a_deletion_may_name_in_its_body_what_it_deletes(
    admin: httpx.Client, session: str, path: str
) -> None:
    body = {"sessionId": session}
    answer = admin.request("DELETE", path.format(session=session), json=body)
    assert (answer.status_code, answer.content) == (204, b"")
    assert admin.get(f"/ai/sessions/{session}").status_code == 404


def test_what_repeats_the_path_is_welcome(admin: httpx.Client, session: str) -> None:
    body = {"sessionId": session, "purpose": "x"}
    answer = admin.patch(f"/ai/sessions/{session}?sessionId={session}", json=body)
    assert (answer.status_code, answer.json()["purpose"]) == (200, "x")
