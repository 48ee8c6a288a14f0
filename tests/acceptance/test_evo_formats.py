"""Any purpose comes through any format of requests and of answers, as it was given."""

import codecs

import httpx
import pytest
from support.evo_messages import ANSWERS, HOSTILE_PURPOSES, REQUESTS, Read, Written, rows
from support.refusals import CONTENT_TYPES

FORMULAS = ["=1+1", "+1", "-1", "@a", "\ta", "\ra"]


def checked(answer: httpx.Response, expected: Read) -> dict[str, str]:
    """The members in an answer, once it is known to be in its format."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == expected.content_type
    assert answer.headers["Vary"] == "Accept"
    is_file = expected.content_type == "text/csv"
    assert ("Content-Disposition" in answer.headers) == is_file
    return expected.members(answer.content)


@pytest.mark.parametrize("answered", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("sent", REQUESTS.values(), ids=REQUESTS)
def test_every_purpose_comes_through_a_post(
    admin: httpx.Client, sent: Written, answered: Read
) -> None:
    headers = {"Content-Type": sent.content_type, "Accept": answered.accept}
    for name, purpose in HOSTILE_PURPOSES.items():
        members = {"accountId": "String", "purpose": purpose}
        body = sent.body("NewAISession", members)
        answer = checked(admin.post("/ai/sessions", content=body, headers=headers), answered)
        assert (answer["purpose"], answer["accountName"]) == (purpose, "String"), name


@pytest.mark.parametrize("answered", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("sent", REQUESTS.values(), ids=REQUESTS)
def test_every_purpose_comes_through_a_patch_and_a_get(
    admin: httpx.Client, session: str, sent: Written, answered: Read
) -> None:
    path = f"/ai/sessions/{session}"
    headers = {"Content-Type": sent.content_type, "Accept": answered.accept}
    for name, purpose in HOSTILE_PURPOSES.items():
        body = sent.body("PatchAISession", {"sessionId": session, "purpose": purpose})
        patched = checked(admin.patch(path, content=body, headers=headers), answered)
        assert (patched["id"], patched["purpose"]) == (session, purpose), name
        got = admin.get(path, headers={"Accept": answered.accept})
        assert checked(got, answered) == patched, name


@pytest.mark.parametrize("sent", REQUESTS.values(), ids=REQUESTS)
def test_a_byte_order_mark_before_a_body_is_no_part_of_it(
    admin: httpx.Client, session: str, sent: Written
) -> None:
    body = sent.body("PatchAISession", {"sessionId": session, "purpose": sent.content_type})
    answer = admin.patch(
        f"/ai/sessions/{session}",
        content=codecs.BOM_UTF8 + body,
        headers={"Content-Type": sent.content_type, "Accept": "application/json"},
    )
    assert (answer.status_code, answer.json()["purpose"]) == (200, sent.content_type)


def test_control_characters_come_through_where_the_format_has_them(
    admin: httpx.Client, session: str
) -> None:
    path, purpose = f"/ai/sessions/{session}", "a\x01\x1f\x7fb"
    admin.patch(path, json={"purpose": purpose})
    for format_, answered in ANSWERS.items():
        shown = answered.members(admin.get(f"{path}.{format_}").content)["purpose"]
        # XML 1.0 has no way to write most of them.
        assert shown == ("a\ufffd\ufffd\x7fb" if format_ == "xml" else purpose)


def test_a_purpose_of_nothing_is_told_from_no_purpose_where_the_format_can(
    admin: httpx.Client, session: str
) -> None:
    path = f"/ai/sessions/{session}"
    for content_type, body in (
        ("application/json", b'{"purpose":""}'),
        ("application/xml", b"<PatchAISession><Purpose></Purpose></PatchAISession>"),
        ("text/jsv", b'{purpose:""}'),
        ("text/csv", b'Purpose\r\n""\r\n'),
    ):
        admin.patch(path, json={"purpose": "before"})
        sent = admin.patch(path, content=body, headers={"Content-Type": content_type})
        assert sent.status_code == 200
        assert admin.get(path).json()["purpose"] == "", content_type


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"purpose":null}'),
        (
            "application/xml",
            b'<PatchAISession xmlns:i="http://www.w3.org/2001/XMLSchema-instance">'
            b'<Purpose i:nil="true"/></PatchAISession>',
        ),
        ("text/jsv", b"{purpose:}"),
        ("text/csv", b"SessionId,Purpose\r\n,\r\n"),
    ],
    ids=["json", "xml", "jsv", "csv"],
)
def test_null_changes_nothing_in_any_format(
    admin: httpx.Client, session: str, content_type: str, body: bytes
) -> None:
    path = f"/ai/sessions/{session}"
    admin.patch(path, json={"purpose": "kept"})
    answer = admin.patch(path, content=body, headers={"Content-Type": content_type})
    assert answer.status_code == 200, answer.text
    assert admin.get(path).json()["purpose"] == "kept"


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_spreadsheet_gets_no_formulas_unless_a_program_asks_for_the_text_as_it_is(
    admin: httpx.Client, session: str, formula: str
) -> None:
    path = f"/ai/sessions/{session}"
    admin.patch(path, json={"purpose": formula})
    for query, shown in (
        ("format=csv", f"'{formula}"),
        ("format=csv&safe=false", formula),
        ("format=csv&safe=true", f"'{formula}"),
        ("FORMAT=CSV&Safe=True", f"'{formula}"),
    ):
        header, row = rows(admin.get(f"{path}?{query}").text)
        assert row[header.index("Purpose")] == shown
    refused = admin.get(f"{path}?format=csv&safe=perhaps")
    assert refused.status_code == 400
    listed = admin.get(f"/ai/sessions.csv?specificIds={session}")
    assert rows(listed.text)[1][2] == f"'{formula}"
    raw = admin.get(f"/ai/sessions.csv?safe=false&specificIds={session}")
    assert rows(raw.text)[1][2] == formula
    accepted = admin.get(path, headers={"Accept": "text/csv"})
    assert rows(accepted.text)[1][header.index("Purpose")] == formula
    asked = admin.get(f"{path}?safe=true", headers={"Accept": "text/csv"})
    assert rows(asked.text)[1][header.index("Purpose")] == f"'{formula}"


def test_a_list_in_csv_has_a_row_for_each_item(admin: httpx.Client) -> None:
    made = [admin.post("/ai/sessions", json={"purpose": p}).json()["id"] for p in ("a", "b,c")]
    answer = admin.get("/ai/sessions.csv", params={"specificIds": ",".join(made)})
    header, *found = rows(answer.text)
    assert [row[header.index("Id")] for row in found] == made
    assert [row[header.index("Purpose")] for row in found] == ["a", "b,c"]
    assert answer.headers["Content-Disposition"] == 'attachment;filename="ListAISessions.csv"'


def test_a_list_of_nothing_in_csv_has_its_header(admin: httpx.Client) -> None:
    answer = admin.get("/ai/sessions.csv?specificIds=none")
    assert answer.text == (
        "AccountId,AccountName,Purpose,Id,DateCreated,DateLastModified,CreatedBy,LastModifiedBy\r\n"
    )


def test_a_list_in_lines_of_json_has_a_line_for_each_item(admin: httpx.Client) -> None:
    made = [admin.post("/ai/sessions", json={"purpose": p}).json()["id"] for p in ("a", "b\nc")]
    answer = admin.get("/ai/sessions.jsonl", params={"specificIds": ",".join(made)})
    lines = answer.text.split("\n")
    assert lines.pop() == "", "every line ends"
    assert [ANSWERS["jsonl"].read(line)["id"] for line in lines] == made


@pytest.mark.parametrize("format_", CONTENT_TYPES)
@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("POST", "/ai/sessions", "NewAISession"),
        ("PATCH", "/ai/sessions/{session}", "PatchAISession"),
        ("GET", "/ai/sessions/{session}", "GetAISession"),
        ("GET", "/ai/sessions", "ListAISessions"),
        ("POST", "/ai/sessions/{session}/apply", "ApplyAISession"),
        ("DELETE", "/ai/sessions/{session}/actions", "ClearAISessionActions"),
        ("GET", "/accounts", "ListAccounts"),
        ("GET", "/accounts/String", "GetAccount"),
        ("PATCH", "/accounts/String", "PatchAccount"),
        ("GET", "/auth/status", "GetAuthStatus"),
    ],
)
def test_every_answer_names_its_type(
    admin: httpx.Client, session: str, method: str, path: str, operation: str, format_: str
) -> None:
    answer = admin.request(method, path.format(session=session), params={"format": format_})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == CONTENT_TYPES[format_]
    assert answer.headers["Vary"] == "Accept"
    expected = f'attachment;filename="{operation}.csv"' if format_ == "csv" else None
    assert answer.headers.get("Content-Disposition") == expected
