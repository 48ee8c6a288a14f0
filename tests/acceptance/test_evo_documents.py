"""The documented messages of the AI session API, as bytes on a socket."""

import re
from typing import Any

import httpx
import msgspec
import pytest
from support.conditions import follows
from support.documents import INFO_IN_JSON, NEW_IN_JSON, PATCH_IN_JSON
from support.evo_messages import documented
from support.raw_http import Answer
from support.service_process import ADMIN, ServiceProcess

UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
MEMBERS = list(msgspec.json.decode(INFO_IN_JSON))


def shown(answer: Answer) -> dict[str, Any]:
    """The session in an answer, once it is known to have the documented form."""
    assert (answer.status, answer.reason) == (200, "OK")
    assert answer.header("Content-Type") == "application/json; charset=utf-8"
    assert answer.header("Content-Length") == str(len(answer.body))
    found: dict[str, Any] = answer.json()
    assert list(found) == MEMBERS
    assert {type(value) for value in found.values()} == {str}
    assert answer.body == msgspec.json.encode(found), "not compact"
    assert UTC.fullmatch(found["dateCreated"])
    assert UTC.fullmatch(found["dateLastModified"])
    return found


def test_the_documented_post_gets_the_documented_answer(served: ServiceProcess) -> None:
    found = shown(documented(served, "POST", "/ai/sessions", NEW_IN_JSON))
    sample = msgspec.json.decode(INFO_IN_JSON)
    for name in ("accountId", "accountName", "purpose"):
        assert found[name] == sample[name]
    assert found["createdBy"] == found["lastModifiedBy"] == ADMIN[0]
    assert found["dateCreated"] == found["dateLastModified"]


def test_what_was_posted_can_be_read(served: ServiceProcess, admin: httpx.Client) -> None:
    answer = documented(served, "POST", "/ai/sessions", NEW_IN_JSON)
    read = admin.get(f"/ai/sessions/{answer.json()['id']}")
    assert (read.status_code, read.content) == (200, answer.body)


def test_the_sample_that_is_labelled_csv_but_written_in_json_is_understood(
    served: ServiceProcess, admin: httpx.Client
) -> None:
    before = admin.post("/ai/sessions", json={}).headers["X-Log-Position"]
    answer = documented(served, "POST", "/ai/sessions", NEW_IN_JSON, b"text/csv")
    assert answer.status == 200
    after = answer.header("X-Log-Position")
    assert after is not None
    assert follows(int(after.partition(":")[2]), int(before.partition(":")[2]))


def test_the_documented_patch_changes_the_purpose(served: ServiceProcess, session: str) -> None:
    body = PATCH_IN_JSON.replace(b"String", session.encode(), 1)
    found = shown(documented(served, "PATCH", f"/ai/sessions/{session}", body))
    assert (found["id"], found["purpose"]) == (session, "String")
    assert found["dateLastModified"] > found["dateCreated"]


def test_the_path_alone_may_name_the_session(served: ServiceProcess, session: str) -> None:
    answer = documented(served, "PATCH", f"/ai/sessions/{session}", b'{"purpose":"String"}')
    assert shown(answer)["purpose"] == "String"


@pytest.mark.parametrize("body", [b'{"purpose":null}', b"{}", b""], ids=["null", "absent", "empty"])
def test_a_patch_without_a_purpose_changes_nothing(
    served: ServiceProcess, admin: httpx.Client, session: str, body: bytes
) -> None:
    before = admin.get(f"/ai/sessions/{session}")
    answer = documented(served, "PATCH", f"/ai/sessions/{session}", body)
    assert (answer.status, answer.body) == (200, before.content)
    assert answer.header("ETag") == before.headers["ETag"] == '"1"'


def test_an_empty_purpose_is_a_purpose(served: ServiceProcess, session: str) -> None:
    answer = documented(served, "PATCH", f"/ai/sessions/{session}", b'{"purpose":""}')
    assert shown(answer)["purpose"] == ""


def test_members_are_found_by_name_and_others_are_ignored(
    served: ServiceProcess, session: str
) -> None:
    body = b'{"later": [1, {"a": null}], "purpose" : "\\u00e9\\ud83d\\ude00"}'
    answer = documented(served, "PATCH", f"/ai/sessions/{session}", body)
    assert shown(answer)["purpose"] == "é😀"


def test_a_session_without_anything_leaves_out_what_it_has_not(admin: httpx.Client) -> None:
    answer = admin.post("/ai/sessions")
    assert list(answer.json()) == MEMBERS[3:]


def test_a_renamed_account_shows_its_new_name_in_every_answer(admin: httpx.Client) -> None:
    admin.post("/accounts", json={"id": "renamed", "name": "Before"})
    opened = admin.post("/ai/sessions", json={"accountId": "renamed"}).json()
    assert admin.patch("/accounts/renamed", json={"name": "After"}).json()["name"] == "After"
    assert admin.get(f"/ai/sessions/{opened['id']}").json()["accountName"] == "After"
    patched = admin.patch(f"/ai/sessions/{opened['id']}", json={"purpose": "p"}).json()
    assert patched["accountName"] == "After"


def test_a_deleted_session_is_gone(admin: httpx.Client, session: str) -> None:
    deleted = admin.delete(f"/ai/sessions/{session}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert admin.get(f"/ai/sessions/{session}").status_code == 404
    assert admin.patch(f"/ai/sessions/{session}", json={"purpose": "p"}).status_code == 404
