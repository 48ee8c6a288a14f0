"""Bodies that are read otherwise than their writer meant: their values are taken, or it is told."""

import json

import httpx
import pytest
from support.service_process import ServiceProcess

BOUNDARY = "multipart/form-data; boundary=b"
TICKET = {
    "semicolons": "AccountId;Purpose\r\nString;p\r\n",
    "a space before a quote": 'AccountId, "Purpose"\r\nString, "p"\r\n',
    "tabs": "AccountId\tPurpose\r\nString\tp\r\n",
    "Excel's line": "sep=;\r\nAccountId;Purpose\r\nString;p\r\n",
    "another case": "ACCOUNTID;purpose\nString;p\n",
    "quotes": '"AccountId";"Purpose"\r"String";"p"\r',
    "a mark": "\ufeffAccountId;Purpose\r\nString;p\r\n",
    "a column more": "Note;AccountId;Purpose\r\nx;String;p\r\n",
}
STRANGE = {
    "CSV of another separator": ("text/csv", "AccountId|Purpose\r\nString|p\r\n"),
    "CSV": ("text/csv", "Goal\r\np\r\n"),
    "JSON": ("application/json", '{"Goal":"p"}'),
    "JSON without a value": ("application/json", '{"Goal":null}'),
    "JSON of two": ("application/json", '{"Goal":"p","Account":"String"}'),
    "JSON without a name": ("application/json", '{"":"p"}'),
    "JSON Lines": ("text/jsonl", '{"Goal":"p"}\n'),
    "JSV": ("text/jsv", "{Goal:p}"),
    "XML": ("application/xml", "<OP><Goal>p</Goal></OP>"),
    "XML of attributes": ("application/xml", '<OP Goal="p"/>'),
    "a form": ("application/x-www-form-urlencoded", "Goal=p&Account="),
    "a form of empty fields": ("application/x-www-form-urlencoded", "Goal=&Account="),
    "a form of parts": (
        BOUNDARY,
        '--b\r\nContent-Disposition: form-data; name="Goal"\r\n\r\np\r\n--b--\r\n',
    ),
}
NAMED = {"AccountId|Purpose\r\nString|p\r\n": "'AccountId|Purpose'", '{"":"p"}': "''"}
"""What is told of those that are about no goal."""
COMMANDS = {
    "NewAISession": ("POST", "/ai/sessions"),
    "PatchAISession": ("PATCH", "/ai/sessions/{session}"),
    "NewAISessionAction": ("POST", "/ai/sessions/{session}/actions"),
    "ApplyAISession": ("POST", "/ai/sessions/{session}/apply"),
    "DeleteAISession": ("DELETE", "/ai/sessions/{session}"),
    "NewAccount": ("POST", "/accounts"),
    "PatchAccount": ("PATCH", "/accounts/String"),
    "Authenticate": ("POST", "/auth"),
}
NOTHING = {
    "nothing": ("application/json", ""),
    "an empty object": ("application/json", "{}"),
    "null": ("application/json", "null"),
    "an empty object of JSV": ("text/jsv", "{}"),
    "an empty element": ("application/xml", "<OP/>"),
    "an empty form": ("application/x-www-form-urlencoded", ""),
}


@pytest.mark.parametrize("text", TICKET.values(), ids=TICKET)
@pytest.mark.parametrize("path", ["/ai/sessions", "/csv/reply/NewAISession", "batch"])
def test_csv_of_any_spreadsheet_keeps_its_values(admin: httpx.Client, text: str, path: str) -> None:
    headers = {"Content-Type": "text/csv", "Accept": "application/json"}
    url = "/csv/reply/NewAISession[]" if path == "batch" else path
    answer = admin.post(f"{url}?format=json", content=text.encode(), headers=headers)
    assert answer.status_code == 200, answer.text
    made = answer.json()[0] if path == "batch" else answer.json()
    assert (made["accountId"], made["purpose"]) == ("String", "p")


@pytest.mark.usefixtures("_nothing_is_stored")
@pytest.mark.parametrize(("content_type", "text"), STRANGE.values(), ids=STRANGE)
@pytest.mark.parametrize("operation", COMMANDS)
def test_a_body_of_unknown_members_alone_is_told_of_them(
    served: ServiceProcess,
    admin: httpx.Client,
    strange_session: str,
    operation: str,
    content_type: str,
    text: str,
) -> None:
    method, path = COMMANDS[operation]
    answer = admin.request(
        method,
        path.format(session=strange_session),
        content=text.replace("OP", operation).encode(),
        headers={"Content-Type": content_type, "Accept": "application/json"},
    )
    assert answer.status_code == 400, answer.text
    status = answer.json()["responseStatus"]
    assert status["errorCode"] in ("UnknownMember", "SerializationException")
    assert NAMED.get(text, "'Goal'") in status["message"]


@pytest.fixture(scope="module")
def strange_session(admin: httpx.Client) -> str:
    """A session that nothing is to change."""
    return str(admin.post("/ai/sessions", json={"purpose": "before"}).json()["id"])


@pytest.mark.usefixtures("_nothing_is_stored")
def test_one_strange_item_of_a_batch_is_numbered(admin: httpx.Client) -> None:
    body = json.dumps([{"purpose": "p"}, {"Goal": "p"}])
    headers = {"Content-Type": "application/json"}
    answer = admin.post("/api/NewAISession[]?atomic=true", content=body, headers=headers)
    assert answer.status_code == 400
    status = answer.json()["responseStatus"]
    assert (status["errorCode"], status["meta"]) == ("UnknownMember", {"AutoBatchIndex": "1"})
    assert status["errors"][0]["fieldName"] == "Goal"


@pytest.mark.parametrize(("content_type", "text"), NOTHING.values(), ids=NOTHING)
def test_a_body_without_any_member_asks_for_nothing_in_particular(
    admin: httpx.Client, content_type: str, text: str
) -> None:
    headers = {"Content-Type": content_type, "Accept": "application/json"}
    body = text.replace("OP", "NewAISession")
    answer = admin.post("/ai/sessions", content=body.encode(), headers=headers)
    assert answer.status_code == 200, answer.text
    assert "purpose" not in answer.json()


def test_unknown_members_beside_known_ones_are_passed_over(admin: httpx.Client) -> None:
    answer = admin.post("/ai/sessions", json={"purpose": "p", "goal": "q"})
    assert (answer.status_code, answer.json()["purpose"]) == (200, "p")
