"""The routes by which an operation is reached, and where its members are taken from."""

import json

import httpx
import pytest
from support.evo_messages import API
from support.raw_http import basic, send
from support.refusals import refused
from support.service_process import ADMIN, ServiceProcess


def purpose_of(admin: httpx.Client, session: str) -> str:
    """The present purpose of a session."""
    return str(admin.get(f"/ai/sessions/{session}").json()["purpose"])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/ai/sessions/{session}"),
        ("PATCH", "/AI/SESSIONS/{session}"),
        ("PATCH", "/ai/sessions/{session}/"),
        ("PATCH", "/ai/sessions/{session}.json"),
        ("PATCH", "/api/PatchAISession"),
        ("POST", "/api/PatchAISession"),
        ("POST", "/api/PatchAISession.json"),
        ("POST", "/API/patchaisession"),
        ("POST", "/json/reply/PatchAISession"),
        ("PATCH", "/json/reply/PatchAISession"),
        ("POST", "/JSON/Reply/PATCHAISESSION"),
        ("POST", "/jsonl/reply/PatchAISession"),
        ("POST", "/jsv/reply/PatchAISession"),
        ("POST", "/csv/reply/PatchAISession"),
    ],
)
def test_an_operation_has_many_routes(
    admin: httpx.Client, session: str, method: str, path: str
) -> None:
    body = {"sessionId": session, "purpose": "after"}
    answer = admin.request(method, path.format(session=session), json=body)
    assert answer.status_code == 200, answer.text
    assert purpose_of(admin, session) == "after"


@pytest.mark.parametrize("path", ["/xml/reply/PatchAISession", "/Xml/Reply/patchaisession.csv"])
def test_a_predefined_route_reads_its_own_format_whatever_the_type_says(
    admin: httpx.Client, session: str, path: str
) -> None:
    body = f'<PatchAISession xmlns="{API}.AI"><Purpose>x</Purpose><SessionId>{session}</SessionId>'
    answer = admin.post(path, content=f"{body}</PatchAISession>", headers={"Content-Type": "a/b"})
    assert answer.status_code == 200, answer.text
    assert purpose_of(admin, session) == "x"


@pytest.mark.parametrize(
    "content_type",
    ["text/plain;charset=UTF-8", "application/octet-stream", "application/xml", "", "text/csv"],
)
def test_json_is_read_from_api_routes_whatever_the_type_says(
    admin: httpx.Client, session: str, content_type: str
) -> None:
    body = json.dumps({"sessionId": session, "purpose": "after"})
    headers = {"Content-Type": content_type}
    answer = admin.post("/api/PatchAISession", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["purpose"] == "after"


def test_forms_are_read_on_predefined_routes(admin: httpx.Client, session: str) -> None:
    for number, path in enumerate(("/api/", "/json/reply/", "/xml/reply/", "/csv/reply/")):
        members = {"sessionId": session, "Purpose": f"form {number}"}
        answer = admin.post(f"{path}PatchAISession", data=members)
        assert answer.status_code == 200, answer.text
        assert purpose_of(admin, session) == f"form {number}"


@pytest.mark.parametrize(
    "body",
    ['{"SESSIONID":"%s","PURPOSE":"after"}', '{"sessionid":"%s","Purpose":"after"}'],
)
def test_members_are_found_in_any_case(admin: httpx.Client, session: str, body: str) -> None:
    headers = {"Content-Type": "application/json"}
    for path in ("/api/PatchAISession", f"/ai/sessions/{session}"):
        admin.patch(f"/ai/sessions/{session}", json={"purpose": "before"})
        answer = admin.patch(path, content=body % session, headers=headers)
        assert (answer.status_code, answer.json()["purpose"]) == (200, "after")


def test_queries_by_name_take_their_members_from_the_query(
    admin: httpx.Client, session: str
) -> None:
    by_path = admin.get(f"/ai/sessions/{session}")
    for path in ("/api/GetAISession?sessionId=", "/json/reply/getaisession?SESSIONID="):
        answer = admin.get(path + session)
        assert (answer.status_code, answer.content) == (200, by_path.content)
    typed = {"Content-Type": "application/json"}  # as JavaScript's client sends it
    answer = admin.get(f"/api/GetAISession?sessionId={session}", headers=typed)
    assert answer.content == by_path.content
    posted = admin.post("/api/GetAISession", json={"sessionId": session})
    assert posted.content == by_path.content


@pytest.mark.parametrize("format_", ["json", "xml", "jsv", "csv", "jsonl"])
def test_oneway_routes_do_and_do_not_say(admin: httpx.Client, session: str, format_: str) -> None:
    query = {"sessionId": session, "purpose": format_}
    answer = admin.patch(f"/{format_}/oneway/PatchAISession", params=query)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "Content-Type" not in answer.headers
    assert answer.headers["ETag"] == '"2"'
    assert purpose_of(admin, session) == format_


def test_oneway_routes_say_what_is_wrong(admin: httpx.Client) -> None:
    answer = admin.post("/xml/oneway/PatchAISession?sessionId=none")
    assert (answer.status_code, refused("xml", answer.content).code) == (404, "NotFound")


@pytest.mark.parametrize(
    "path",
    [
        "/api/PatchAISession[]", "/api/PatchAISession%5B%5D", "/api/patchaisession%5b%5d",
        "/json/reply/PatchAISession[]", "/json/reply/PatchAISession%5B%5D",
        "/api/PatchAISession[].json",
    ],
)  # fmt: skip
def test_batches_have_routes_of_their_own(
    served: ServiceProcess, admin: httpx.Client, session: str, path: str
) -> None:
    body = b'[{"sessionId":"%s","purpose":"after"}]' % session.encode()
    head = (
        f"POST {path} HTTP/1.1".encode(),  # a client library would encode the brackets
        b"Host: 127.0.0.1",
        b"Authorization: " + basic(*ADMIN),
        b"Content-Length: %d" % len(body),
    )
    answer = send(served.port, b"\r\n".join(head) + b"\r\n\r\n" + body)
    assert (answer.status, len(answer.json())) == (200, 1)
    assert purpose_of(admin, session) == "after"


@pytest.mark.usefixtures("_nothing_is_stored")
@pytest.mark.parametrize(
    ("path", "content_type", "body"),
    [
        ("/ai/sessions", "application/json; charset=iso-8859-1", b'{"purpose":"\xc3\xa9"}'),
        ("/ai/sessions", "text/jsv; charset=iso-2022-jp", b'{purpose:\x1b$B$"\x1b(B}'),
        ("/api/NewAISession", "text/plain; charset=utf-16", b"{}"),
        ("/api/v1/ChatSession", "application/json; charset=iso-8859-1", b"{}"),
    ],
    ids=["json", "jsv", "by name", "superoffice"],
)
def test_a_body_in_a_charset_that_is_not_read_is_refused(
    admin: httpx.Client, path: str, content_type: str, body: bytes
) -> None:
    answer = admin.post(path, content=body, headers={"Content-Type": content_type})
    assert answer.status_code == 415
    assert "charset" in answer.text


def test_xml_may_be_in_utf_16(admin: httpx.Client) -> None:
    body = "<NewAISession><Purpose>\u00e9 \u65e5</Purpose></NewAISession>".encode("utf-16")
    headers = {"Content-Type": "application/xml; charset=utf-16", "Accept": "application/json"}
    answer = admin.post("/ai/sessions", content=body, headers=headers)
    assert (answer.status_code, answer.json()["purpose"]) == (200, "\u00e9 \u65e5")


def test_what_is_no_page_shows_nothing_as_one(admin: httpx.Client, session: str) -> None:
    for path in (f"/ai/sessions/{session}", "/ai/nothing", "/api/v1/ChatSession", "/health/live"):
        policy = admin.get(path).headers.get_list("content-security-policy")
        assert policy == ["default-src 'none'; frame-ancestors 'none'"]


def test_the_query_goes_before_the_body_on_documented_routes_alone(
    admin: httpx.Client, session: str
) -> None:
    body = {"sessionId": session, "purpose": "body"}
    by_path = admin.patch(f"/ai/sessions/{session}?purpose=query", json=body)
    assert by_path.json()["purpose"] == "query"
    by_name = admin.patch("/api/PatchAISession?purpose=query", json=body)
    assert by_name.json()["purpose"] == "body"
    empty = admin.patch(f"/ai/sessions/{session}?purpose=")
    assert empty.json()["purpose"] == "body", "an empty value of a query says nothing"


def test_a_deletion_says_nothing(admin: httpx.Client) -> None:
    for method, path in (
        ("DELETE", "/ai/sessions/{session}"),
        ("DELETE", "/ai/sessions/{session}.xml"),
        ("DELETE", "/api/DeleteAISession?sessionId={session}"),
        ("POST", "/json/reply/DeleteAISession?sessionId={session}"),
    ):
        made = admin.post("/ai/sessions", json={}).json()["id"]
        answer = admin.request(method, path.format(session=made))
        assert (answer.status_code, answer.content) == (204, b"")
        assert "Content-Type" not in answer.headers
        assert answer.headers["Vary"] == "Accept"
        assert admin.request(method, path.format(session=made)).status_code == 404


def test_applying_takes_no_body_and_no_type(
    served: ServiceProcess, admin: httpx.Client, session: str
) -> None:
    head = (
        f"POST /ai/sessions/{session}/apply HTTP/1.1".encode(),
        b"Host: 127.0.0.1",
        b"Accept: application/json",
        b"Authorization: " + basic(*ADMIN),
        b"Content-Length: 0",
    )
    answer = send(served.port, b"\r\n".join(head) + b"\r\n\r\n")
    assert (answer.status, answer.body) == (200, admin.get(f"/ai/sessions/{session}").content)
    sample = admin.post(f"/ai/sessions/{session}/apply", json={"sessionId": session})
    assert (sample.status_code, sample.content) == (200, answer.body)


@pytest.mark.usefixtures("_nothing_is_stored")
@pytest.mark.parametrize(
    "path",
    [
        "/api/Nope", "/api/Nope[]", "/json/reply/Nope", "/json/reply", "/xml/oneway/Nope",
        "/yaml/reply/NewAISession", "/json/answer/NewAISession", "/api/NewAISession/x",
        "/api/NewAISession[]x", "/api/NewAISession.exe", "/ai/sessions/x/actions/y/z",
    ],
)  # fmt: skip
def test_what_is_not_there_is_not_found(admin: httpx.Client, path: str) -> None:
    answer = admin.post(path, json={})
    assert answer.status_code == 404
    format_ = "xml" if path.startswith("/xml") else "json"
    assert refused(format_, answer.content).code == "NotFound"
