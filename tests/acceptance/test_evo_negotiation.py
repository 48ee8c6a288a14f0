"""Which format an answer has."""

import httpx
import pytest
from support.refusals import CONTENT_TYPES

JSON = CONTENT_TYPES["json"]
HTML = "text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("path", "accept", "expected"),
    [
        ("/ai/sessions/{session}.json", "text/csv", JSON),
        ("/ai/sessions/{session}.xml", "text/csv", "application/xml"),
        ("/ai/sessions/{session}.jsv", None, "application/jsv"),
        ("/ai/sessions/{session}.csv", "application/json", "text/csv"),
        ("/ai/sessions/{session}.jsonl", None, "text/jsonl"),
        ("/AI/Sessions/{session}.XML", None, "application/xml"),
        ("/ai/sessions.xml?countPerPage=1", None, "application/xml"),
        ("/ai/sessions.Csv?countPerPage=1", None, "text/csv"),
        ("/ai/sessions.xml?countPerPage=1&format=csv", None, "application/xml"),
        ("/api/GetAISession.xml?sessionId={session}", "text/csv", "application/xml"),
        ("/api/getaisession.XML?sessionid={session}", None, "application/xml"),
        ("/api/GetAISession.jsonl?SessionId={session}", None, "text/jsonl"),
        ("/json/reply/GetAISession.csv?sessionId={session}", None, "text/csv"),
        ("/accounts/String.jsv", None, "application/jsv"),
    ],
)
def test_the_extension_of_a_path_decides(
    admin: httpx.Client, session: str, path: str, accept: str | None, expected: str
) -> None:
    headers = {} if accept is None else {"Accept": accept}
    answer = admin.get(path.format(session=session), headers=headers)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, expected)


@pytest.mark.parametrize(
    ("query", "accept", "expected"),
    [
        ("format=xml", "text/csv", "application/xml"),
        ("format=JSV", None, "application/jsv"),
        ("FORMAT=csv", "application/xml", "text/csv"),
        ("format=xml.v2", None, "application/xml"),
        ("format=jsonl", None, "text/jsonl"),
        ("format=yaml", "text/csv", "text/csv"),
        ("format=", "text/csv", "text/csv"),
        ("format", "text/csv", "text/csv"),
        ("format=yaml", None, JSON),
        ("format=xml", "text/html", "application/xml"),
        ("format=html", None, HTML),
    ],
)
def test_the_query_decides_unless_nobody_knows_its_format(
    admin: httpx.Client, session: str, query: str, accept: str | None, expected: str
) -> None:
    headers = {} if accept is None else {"Accept": accept}
    answer = admin.get(f"/ai/sessions/{session}?{query}", headers=headers)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, expected)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/json", JSON),
        ("text/json", JSON),
        ("application/xml", "application/xml"),
        ("text/xml", "text/xml"),
        ("application/jsv", "application/jsv"),
        ("text/jsv", "text/jsv"),
        ("text/csv", "text/csv"),
        ("text/jsonl", "text/jsonl"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("TEXT/CSV; charset=utf-8", "text/csv"),
        ("text/csv;q=0.2, application/xml;q=0.9", "application/xml"),
        ("text/csv; q=0.9 , application/xml; q=0.2", "text/csv"),
        ("application/xml, application/json", "application/xml"),
        ("application/xml;q=0, text/csv", "text/csv"),
        ("text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", HTML),
        ("text/html", HTML),
        ("text/html;q=0.1, application/xml", "application/xml"),
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", JSON),
        ("image/png, application/*;q=0.1", JSON),
        ("*/*", JSON),
        ("", JSON),
        ("nonsense;;q=,,", JSON),
    ],
)
def test_accept_decides_by_its_weights(
    admin: httpx.Client, session: str, accept: str, expected: str
) -> None:
    answer = admin.get(f"/ai/sessions/{session}", headers={"Accept": accept})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, expected)
    assert answer.headers["Vary"] == "Accept"


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("application/json", b"{}", JSON),
        ("application/xml", b"<PatchAISession/>", "application/xml"),
        ("text/jsv", b"{}", "text/jsv"),
        ("application/jsv; charset=utf-8", b"{}", "application/jsv"),
        ("text/csv", b"Purpose\r\n\r\n", "text/csv"),
        ("text/csv", b"SessionId,Purpose\r\n,\r\n", "text/csv"),
        ("application/x-www-form-urlencoded", b"other=1", JSON),
        ("text/plain", b"{}", JSON),
    ],
)
def test_who_accepts_anything_gets_the_format_that_they_sent(
    admin: httpx.Client, session: str, content_type: str, body: bytes, expected: str
) -> None:
    headers = {"Content-Type": content_type, "Accept": "*/*"}
    answer = admin.patch(f"/ai/sessions/{session}", content=body, headers=headers)
    assert answer.headers["Content-Type"] == expected


@pytest.mark.parametrize("accept", ["text/csv", "application/xml", "*/*"])
def test_predefined_routes_ignore_accept(admin: httpx.Client, session: str, accept: str) -> None:
    headers = {"Accept": accept}
    for path, expected in (
        ("/api/GetAISession", JSON),
        ("/json/reply/GetAISession", JSON),
        ("/xml/reply/GetAISession", "application/xml"),
        ("/JSV/Reply/getaisession", "application/jsv"),
        ("/csv/reply/GetAISession", "text/csv"),
        ("/jsonl/reply/GetAISession", "text/jsonl"),
        ("/xml/reply/GetAISession?format=csv", "text/csv"),
        ("/api/GetAISession?format=jsv", "application/jsv"),
    ):
        mark = "&" if "?" in path else "?"
        answer = admin.get(f"{path}{mark}sessionId={session}", headers=headers)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, expected), path
