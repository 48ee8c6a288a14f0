"""Every operation of the official descriptions is served, and answers as they say."""

from collections.abc import Callable, Mapping
from typing import Any

import httpx
import msgspec
import pytest
from defusedxml.ElementTree import fromstring
from msgspec import Struct
from support.chat_service import AGENT, DOCUMENTED, PATH, Chats
from support.documents import PUT_CHAT_SESSION as SAMPLE
from support.official import operations
from support.raw_http import send

SENT: dict[str, Any] = msgspec.json.decode(SAMPLE)
FRESH = {name: value for name, value in SENT.items() if name != "ChatSessionId"}
MESSAGE = {"Type": "ToCustomer", "Message": "Hello <b>Sam</b>", "Author": "Kim"}
REST = "v1ChatSessionEntity_"
RPC = "v1ChatAgent_"


class Call(Struct, frozen=True):
    """How an operation is called; `{number}` in a text stands for the session."""

    session: Callable[[Chats], int] = Chats.new
    query: dict[str, Any] = {}
    body: object = None
    by: str = "kim"
    root: str = "ChatSessionEntity"
    """Of the answer in XML."""


def about(number: str = "{number}", **more: object) -> dict[str, object]:
    """A request to the agent."""
    return {"ChatSessionId": number, **more}


CALLS: dict[str, Call] = {
    f"{REST}DefaultChatSessionEntity": Call(),
    f"{REST}GetAll": Call(
        query={"$top": 3, "$orderBy": "chatSessionId desc", "$filter": "status ne 'Deleted'"},
        root="ODataSlimResponse",
    ),
    f"{REST}PostChatSessionEntity": Call(body=FRESH, by="admin"),
    f"{REST}GetChatSessionEntity": Call(query={"$select": "ChatSessionId,Status"}),
    f"{REST}PutChatSessionEntity": Call(body=FRESH, by="admin"),
    f"{REST}DeleteChatSessionEntity": Call(root=""),
    f"{REST}ChatSessionsForUser": Call(Chats.picked_up, root="ArrayOfChatSessionEntity"),
    f"{REST}TransferChatSession": Call(Chats.picked_up),
    f"{REST}AcceptChatSessionTransfer": Call(Chats.offered, by="pat"),
    f"{REST}RejectChatSessionTransfer": Call(Chats.offered, by="pat"),
    f"{REST}PickUpChatSession": Call(Chats.queued),
    f"{REST}PickUpFirstChatSession": Call(Chats.queued),
    f"{REST}ResetChatSession": Call(Chats.picked_up),
    f"{REST}GetChatTranscript": Call(Chats.picked_up, query={"html": "true"}, root="string"),
    f"{REST}GetChatMessages": Call(Chats.picked_up, query={"after": 0}, root="ArrayOfChatMessage"),
    f"{REST}AddChatMessage": Call(Chats.picked_up, body=MESSAGE, root="ChatMessage"),
    f"{RPC}CreateDefaultChatSessionEntity": Call(),
    f"{RPC}GetChatSessionEntity": Call(query={"chatSessionEntityId": "{number}"}),
    f"{RPC}SaveChatSessionEntity": Call(body=FRESH, by="admin"),
    f"{RPC}DeleteChatSessionEntity": Call(query={"chatSessionEntityId": "{number}"}, root=""),
    f"{RPC}ChatSessionsForUser": Call(Chats.picked_up, root="ArrayOfChatSessionEntity"),
    f"{RPC}TransferChatSession": Call(Chats.picked_up, body=about(ToAssociate="pat")),
    f"{RPC}AcceptChatSessionTransfer": Call(Chats.offered, body=about(), by="pat"),
    f"{RPC}RejectChatSessionTransfer": Call(Chats.offered, body=about(), by="pat"),
    f"{RPC}PickUpChatSession": Call(Chats.queued, body=about()),
    f"{RPC}ResetChatSession": Call(Chats.picked_up, body=about()),
    f"{RPC}PickUpFirstChatSession": Call(Chats.queued),
    f"{RPC}GetChatTranscript": Call(Chats.picked_up, body=about(Html=False), root="string"),
    f"{RPC}GetChatMessages": Call(Chats.picked_up, body=about(After=0), root="ArrayOfChatMessage"),
    f"{RPC}AddChatMessage": Call(Chats.picked_up, body=about(Message=MESSAGE), root="ChatMessage"),
    f"{RPC}CreateChatSessionForTopic": Call(body={"ChatTopicId": 7}),
}
SESSION_OPERATIONS = {
    name
    for name in operations()
    if not any(word in name for word in ("Presence", "Topic", "UserAgent", "OpeningHours"))
} | {f"{RPC}CreateChatSessionForTopic"}


def call(
    chats: Chats,
    name: str,
    number: int,
    query: Mapping[str, Any] | None = None,
    **headers: str,
) -> httpx.Response:
    """Call an operation on a session, as the official description says where and how.

    `query`: other than the usual one of this operation.
    """
    official, how = operations()[name], CALLS[name]
    path = official.path.replace("{toAssociate}", "pat")
    for parameter in ("{id}", "{chatSessionId}"):
        path = path.replace(parameter, str(number))
    asked = query or how.query
    params = {key: number if value == "{number}" else value for key, value in asked.items()}
    body = how.body
    if isinstance(body, dict) and body.get("ChatSessionId") == "{number}":
        body = {**body, "ChatSessionId": number}
    content = None if body is None else msgspec.json.encode(body)
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    if content is not None:
        named["Content-Type"] = "application/json"
    return chats[how.by].request(official.verb, path, params=params, content=content, headers=named)


def test_no_official_session_operation_is_left_out() -> None:
    assert CALLS.keys() == SESSION_OPERATIONS
    assert len(CALLS) == 16 + 15


@pytest.mark.parametrize("name", CALLS)
def test_an_official_operation_answers_as_described(chats: Chats, name: str) -> None:
    answer = call(chats, name, CALLS[name].session(chats))
    assert answer.status_code in (200, 204), answer.text
    operations()[name].check(answer)


@pytest.mark.parametrize("name", CALLS)
def test_an_official_operation_answers_in_xml(chats: Chats, name: str) -> None:
    answer = call(chats, name, CALLS[name].session(chats), Accept="text/xml")
    if CALLS[name].root == "":
        assert (answer.status_code, answer.content) == (204, b"")
        return
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert fromstring(answer.text).tag == CALLS[name].root


@pytest.mark.parametrize("name", [name for name in CALLS if operations()[name].verb == "GET"])
def test_head_is_get_without_its_body(chats: Chats, name: str) -> None:
    number = CALLS[name].session(chats)
    path = operations()[name].path.replace("{id}", str(number))
    path = path.replace("{chatSessionId}", str(number))
    got, headed = chats["kim"].get(path), chats["kim"].head(path)
    assert (headed.status_code, headed.content) == (200, b"")
    assert headed.headers["Content-Length"] == got.headers["Content-Length"]
    assert headed.headers["Content-Type"] == got.headers["Content-Type"]


def test_the_documented_put_is_answered_to_the_byte(chats: Chats) -> None:
    head = (
        b"PUT %s/446 HTTP/1.1" % PATH.encode(),
        b"Host: localhost",
        b"Authorization: Bearer " + chats.tokens["admin"].encode(),
        b"Accept: application/json; charset=utf-8",
        b"Accept-Language: fr,de,ru,zh",
        b"Content-Type: application/json; charset=utf-8",
        b"Content-Length: %d" % len(SAMPLE),
    )
    answer = send(chats.served.port, b"\r\n".join(head) + b"\r\n\r\n" + SAMPLE)
    assert answer.status == 200
    assert answer.header("Content-Type") == "application/json; charset=utf-8"
    # Our JSON has no line ends in it; else it is what was sent, with what the API adds.
    sent = b",".join(
        b":".join(part.strip() for part in line.split(b":", 1))
        for line in SAMPLE[1:-1].strip().split(b",\n")
    )
    assert answer.body.startswith(b"{" + sent + b',"TableRight":')
    assert answer.json()["_Links"]["Self"] == f"http://localhost{PATH}/{DOCUMENTED}/"


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (f"{PATH.lower()}/%d", "$SELECT=status"),
        (f"{PATH.upper()}/%d/", "%24select=Status"),
        (f"{PATH}/%d", "%24Select=STATUS&x=1"),
    ],
    ids=["lower case", "upper case, closing slash", "encoded"],
)
def test_paths_and_query_names_count_in_any_case(chats: Chats, path: str, query: str) -> None:
    answer = chats["kim"].get(f"{path % DOCUMENTED}?{query}")
    shown = {name for name, value in answer.json().items() if value is not None}
    assert shown == {"Status"}


def test_what_the_agent_does_not_find_is_null(chats: Chats) -> None:
    unknown = {"ChatSessionId": 2_000_000_000, "ToAssociate": "pat", "Message": MESSAGE}
    for name in CALLS:
        if name.startswith(RPC) and CALLS[name].body and "ChatSessionId" in str(CALLS[name].body):
            answer = chats["kim"].post(operations()[name].path, json=unknown)
            assert (answer.status_code, answer.content) == (200, b"null"), name
    saved = chats["kim"].post(f"{AGENT}/SaveChatSessionEntity", json={"ChatSessionId": 2_000_000})
    assert (saved.status_code, saved.content) == (200, b"null")
    gone = {"chatSessionEntityId": 2_000_000_000}
    got = chats["kim"].post(f"{AGENT}/GetChatSessionEntity", params=gone)
    assert (got.status_code, got.content) == (200, b"null")
    assert chats["kim"].post(f"{AGENT}/DeleteChatSessionEntity", params=gone).status_code == 204


@pytest.mark.parametrize("text", ["", "one", "1.0", "99999999999"])
def test_a_parameter_that_the_agent_cannot_read_is_named(chats: Chats, text: str) -> None:
    query = {"chatSessionEntityId": text} if text else {}
    answer = chats["kim"].post(f"{AGENT}/GetChatSessionEntity", params=query)
    assert answer.status_code == 400
    assert answer.json() == {
        "Message": "The request is invalid.",
        "MessageDetail": "The parameters dictionary contains a null entry for parameter "
        "'chatSessionEntityId'.",
    }


@pytest.mark.parametrize("name", ["PickUpChatSession", "GetChatMessages", "SaveChatSessionEntity"])
@pytest.mark.parametrize(
    ("body", "named"),
    [
        ('{"chatSessionId":"abc"}', "ChatSessionId"),
        ('{"chatSessionId":1099511627776}', "ChatSessionId"),
        ("[1]", ""),
        ("{", ""),
    ],
    ids=["a word", "2^40", "an array", "cut off"],
)
def test_a_body_that_the_agent_cannot_read_is_told_of_in_its_shape(
    chats: Chats, name: str, body: str, named: str
) -> None:
    headers = {"Content-Type": "application/json"}
    answer = chats["kim"].post(f"{AGENT}/{name}", content=body, headers=headers)
    assert answer.status_code == 400
    told = answer.json()
    assert list(told) == ["Message", "MessageDetail"]
    assert told["Message"] == "The request is invalid."
    whole = "entity" if name.startswith("Save") else "request"
    parameter = f"The parameters dictionary contains a null entry for parameter {named or whole!r}."
    assert told["MessageDetail"].startswith(parameter)


def test_the_official_client_s_null_bodies_are_no_hindrance(chats: Chats) -> None:
    query = {"chatSessionEntityId": DOCUMENTED}
    for path, params in (("GetChatSessionEntity", query), ("CreateDefaultChatSessionEntity", {})):
        answer = chats["kim"].post(
            f"{AGENT}/{path}",
            params=params,
            content=b"null",
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code == 200


@pytest.fixture(scope="module")
def described(chats: Chats) -> dict[str, set[str]]:
    """What the service's own description has in the query of each operation."""
    document = chats["admin"].get("/schema/openapi.json").json()
    found = [each for path in document["paths"].values() for each in path.values()]
    return {
        operation["operationId"]: {
            each["name"] for each in operation["parameters"] if each.get("in") == "query"
        }
        for operation in found
        if "parameters" in operation
    }


@pytest.mark.parametrize("parameter", ["$top", "after"])
@pytest.mark.parametrize("name", CALLS)
def test_a_parameter_is_described_wherever_it_is_read(
    chats: Chats, described: dict[str, set[str]], name: str, parameter: str
) -> None:
    how, own = CALLS[name], name.removeprefix(REST).removeprefix("v1")
    answer = call(chats, name, how.session(chats), query={**how.query, parameter: "x"})
    assert (answer.status_code == 400) == (parameter in described[own]), answer.text
