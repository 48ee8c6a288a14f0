"""A POST may stand for another verb, and HEAD for GET."""

import httpx
import pytest

OVERRIDE = "X-HTTP-Method-Override"


@pytest.mark.parametrize("verb", ["PATCH", "patch", "Patch"])
def test_a_post_may_stand_for_another_verb(admin: httpx.Client, session: str, verb: str) -> None:
    path = f"/ai/sessions/{session}"
    by_header = admin.post(path, json={"purpose": "1"}, headers={OVERRIDE: verb})
    assert (by_header.status_code, by_header.json()["purpose"]) == (200, "1")
    by_query = admin.post(path, json={"purpose": "2"}, params={OVERRIDE.lower(): verb})
    assert (by_query.status_code, by_query.json()["purpose"]) == (200, "2")


def test_a_post_may_stand_for_a_deletion(admin: httpx.Client, session: str) -> None:
    answer = admin.post(f"/ai/sessions/{session}", headers={OVERRIDE: "DELETE"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert admin.get(f"/ai/sessions/{session}").status_code == 404


@pytest.mark.usefixtures("session", "_nothing_is_stored")
def test_only_a_post_may_stand_for_another_verb_and_not_for_get_or_post(
    admin: httpx.Client, session: str
) -> None:
    path = f"/ai/sessions/{session}"
    for asked in ("GET", "POST", "HEAD", "BREW", ""):
        assert admin.post(path, headers={OVERRIDE: asked}).status_code == 405, asked
    for method, asked in (("PUT", "PATCH"), ("GET", "DELETE"), ("PATCH", "DELETE")):
        answer = admin.request(method, path, headers={OVERRIDE: asked})
        assert answer.status_code == (405 if method == "PUT" else 200), (method, asked)
    assert admin.get(path).status_code == 200


def test_the_other_face_knows_no_overrides(admin: httpx.Client) -> None:
    made = admin.post("/api/v1/ChatSession", json={}, headers={OVERRIDE: "DELETE"})
    assert made.status_code == 200
    path = f"/api/v1/ChatSession/{made.json()['ChatSessionId']}"
    assert admin.post(path, json={}, headers={OVERRIDE: "DELETE"}).status_code == 405
    assert admin.post(path, json={}, params={OVERRIDE: "DELETE"}).status_code == 405
    assert admin.get(path).status_code == 200


def test_a_head_has_the_headers_of_a_get(admin: httpx.Client, session: str) -> None:
    got = admin.get(f"/ai/sessions/{session}.xml")
    head = admin.head(f"/ai/sessions/{session}.xml")
    assert (head.status_code, head.content) == (200, b"")
    for name in ("Content-Type", "Content-Length", "ETag", "Vary"):
        assert head.headers[name] == got.headers[name]
