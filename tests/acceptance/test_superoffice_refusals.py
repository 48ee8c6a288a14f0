"""Whatever is wrong with a request is a 4xx that names it, in both formats; nothing is stored."""

import httpx
import pytest
from defusedxml.ElementTree import fromstring
from support.chat_service import AGENT, ERROR, PATH, Chats
from support.service_process import ServiceProcess

pytestmark = pytest.mark.usefixtures("_nothing_is_stored")

BY_ID = f"{PATH}/{{}}"
PATCHES: dict[str, tuple[bytes, int, str]] = {
    "move": (b'[{"op":"move","from":"Rank","path":"Rating"}]', 400, "op"),
    "copy": (b'[{"op":"copy","from":"Rank","path":"Rating"}]', 400, "op:"),
    "no operation": (b'[{"path":"Rating","value":1}]', 400, "op"),
    "no path": (b'[{"op":"add","value":1}]', 400, "path"),
    "no value": (b'[{"op":"add","path":"Rating"}]', 400, "Rating"),
    "an unknown path": (b'[{"op":"add","path":"/Nothing","value":1}]', 400, "Nothing"),
    "a path below a text": (b'[{"op":"add","path":"/CustomerName/x","value":1}]', 400, "Name"),
    "a path below null": (b'[{"op":"add","path":"/Contact/Name","value":"n"}]', 400, "Contact"),
    "the id": (b'[{"op":"replace","path":"chatsessionid","value":1}]', 400, "chatsessionid"),
    "rights": (b'[{"op":"replace","path":"/TableRight","value":null}]', 400, "TableRight"),
    "properties": (b'[{"op":"remove","path":"/FieldProperties"}]', 400, "FieldProperties"),
    "links": (b'{"_links":{"Self":"x"}}', 400, "_links"),
    "an id to merge": (b'{"ChatSessionId":7}', 400, "ChatSessionId"),
    "an unknown member to merge": (b'{"Nothing":1}', 400, "Nothing"),
    "a wrong value": (b'[{"op":"replace","path":"/Status","value":"Pending"}]', 400, "Status"),
    "too long a value": (b'{"CustomerAlias":"' + b"x" * 65 + b'"}', 400, "CustomerAlias"),
    "a failed test": (b'[{"op":"test","path":"/Rating","value":9}]', 409, "Rating"),
    "a failed test behind a change": (
        b'[{"op":"add","path":"/Rating","value":1},{"op":"test","path":"/Rank","value":9}]',
        409,
        "Rank",
    ),
    "no changes": (b"", 400, "Changes"),
    "null": (b"null", 400, "Changes"),
    "a number": (b"7", 400, "operations"),
    "operations that are none": (b"[1]", 400, "operation"),
    "too many operations": (b"[" + b"1," * 100 + b"1]", 400, "100 operations"),
    "65 levels": (b"[" * 65 + b"]" * 65, 400, "64"),
    "malformed": (b"[{", 400, "JSON"),
}
BODIES: dict[str, tuple[str, str, str, bytes, str]] = {
    "another id in JSON": ("PUT", BY_ID, "application/json", b'{"ChatSessionId":1}', "SessionId"),
    "another id in XML": (
        "PUT", BY_ID, "text/xml",
        b"<ChatSessionEntity><ChatSessionId>1</ChatSessionId></ChatSessionEntity>", "SessionId",
    ),
    "another id in a form": (
        "PUT", BY_ID, "application/x-www-form-urlencoded", b"chatsessionid=1", "SessionId",
    ),
    "another root": ("PUT", BY_ID, "text/xml", b"<ContactEntity/>", "ContactEntity"),
    "an entity's bomb": (
        "POST", PATH, "text/xml",
        b'<!DOCTYPE a [<!ENTITY b "c">]><ChatSessionEntity>&b;</ChatSessionEntity>', "",
    ),
    "XML cut off": ("POST", PATH, "application/xml", b"<ChatSessionEntity>", "XML"),
    "no number in XML": (
        "POST", PATH, "text/xml",
        b"<ChatSessionEntity><Rating>x</Rating></ChatSessionEntity>", "Rating",
    ),
    "no number in a form": (
        "POST", PATH, "application/x-www-form-urlencoded", b"Rating=x", "Rating",
    ),
    "no UTF-8 in a form": ("POST", PATH, "application/x-www-form-urlencoded", b"a=%ff", "UTF-8"),
    "a wrong choice": ("POST", PATH, "application/json", b'{"Status":"Pending"}', "Status"),
    "a message of a wrong type": (
        "POST", f"{BY_ID}/Messages", "application/json", b'{"Type":"ToNobody"}', "Type",
    ),
    "a message with too long an author": (
        "POST", f"{BY_ID}/Messages", "application/json",
        b'{"Author":"' + b"x" * 256 + b'"}', "Author",
    ),
    "no message": ("POST", f"{BY_ID}/Messages", "application/json", b"null", "entity"),
    "a mebibyte": ("POST", PATH, "application/json", b" " * 1_048_577, "1048576"),
    "no request": ("POST", f"{AGENT}/ResetChatSession", "application/json", b"null", "request"),
    "no message in a request": (
        "POST", f"{AGENT}/AddChatMessage", "application/json", b'{"ChatSessionId":1}', "Message",
    ),
    "nobody to transfer to": (
        "POST", f"{AGENT}/TransferChatSession", "application/json",
        b'{"ChatSessionId":1}', "ToAssociate",
    ),
    "too large an id": (
        "POST", f"{AGENT}/ResetChatSession", "application/json",
        b'{"chatSessionId":2147483648}', "ChatSessionId",
    ),
    "no topic": ("POST", f"{AGENT}/CreateChatSessionForTopic", "text/json", b"{}", "ChatTopicId"),
}  # fmt: skip
TARGETS: list[tuple[str, str, int, str]] = [
    ("GET", f"{PATH}?$filter=nothing eq 1", 400, "$filter"),
    ("GET", f"{PATH}?$filter=rating near 1", 400, "near"),
    ("GET", f"{PATH}?$filter=rating eq 1 or", 400, "$filter"),
    ("GET", f"{PATH}?$orderby=nothing", 400, "$orderby"),
    ("GET", f"{PATH}?$orderby=duration", 400, "duration"),
    ("GET", f"{PATH}?$select=nothing", 400, "$select"),
    ("GET", f"{PATH}?$top=-1", 400, "$top"),
    ("GET", f"{PATH}?$skip=x", 400, "$skip"),
    ("GET", f"{PATH}?$mode=Other", 400, "$mode"),
    ("GET", f"{PATH}?$entities=person", 400, "person"),
    ("GET", f"{PATH}?$format=YAML", 400, "$format"),
    ("GET", f"{PATH}?$skiptoken=AAAA", 400, "$skiptoken"),
    ("GET", f"{PATH}?$nothing=1", 400, "$nothing"),
    ("GET", f"{PATH}?%ff=1", 400, "UTF-8"),
    ("GET", f"{PATH}/0x1", 400, "0x1"),
    ("POST", f"{PATH}/1.5/Pickup", 400, "1.5"),
    ("POST", f"{PATH}/2147483648/Reset", 400, "2147483648"),
    ("GET", f"{PATH}/1/Messages?after=1e3", 400, "after"),
    ("POST", f"{PATH}/1/Transcript?html=maybe", 400, "html"),
    ("POST", f"{PATH}/2000000000/Pickup", 404, "2000000000"),
    ("POST", f"{PATH}/2000000000/Reset", 404, "2000000000"),
    ("POST", f"{PATH}/2000000000/AcceptTransfer", 404, "2000000000"),
    ("POST", f"{PATH}/2000000000/RejectTransfer", 404, "2000000000"),
    ("POST", f"{PATH}/2000000000/TransferTo/kim", 404, "2000000000"),
    ("POST", f"{PATH}/2000000000/Transcript", 404, "2000000000"),
    ("GET", f"{PATH}/2000000000/Messages", 404, "2000000000"),
    ("PATCH", f"{PATH}/2000000000", 404, "2000000000"),
    ("POST", f"{PATH}/1/TransferTo/%00", 404, "Associate"),
    ("POST", f"{PATH}/1/Validate", 404, "path"),
    ("POST", f"{AGENT}/Nothing", 404, "path"),
]


@pytest.fixture(scope="module")
def served(chats: Chats) -> ServiceProcess:
    """What the agents call."""
    return chats.served


@pytest.fixture(scope="module")
def number(chats: Chats) -> int:
    """A session that stays as it is."""
    return chats.picked_up("kim")


def refused(answer: httpx.Response, status: int, named: str) -> None:
    """A refusal in its documented shape, in JSON or XML, that says what is wrong."""
    assert answer.status_code == status, answer.text
    if "xml" in answer.headers["Content-Type"]:
        shown = {each.tag: each.text or "" for each in fromstring(answer.text)}
    else:
        shown = answer.json()
    assert list(shown) in (ERROR, ["Message", "MessageDetail"])
    said = shown.get("ErrorMessage") or shown.get("MessageDetail") or ""
    assert named.lower() in said.lower(), f"{named} is not named in {said!r}"


@pytest.mark.parametrize("accept", ["application/json", "text/xml"])
@pytest.mark.parametrize(("body", "status", "named"), PATCHES.values(), ids=PATCHES)
def test_a_bad_patch_is_refused(
    chats: Chats, number: int, body: bytes, status: int, named: str, accept: str
) -> None:
    headers = {"Content-Type": "application/json", "Accept": accept}
    answer = chats["admin"].patch(BY_ID.format(number), content=body, headers=headers)
    refused(answer, status, named)


@pytest.mark.parametrize("accept", ["application/json", "text/xml"])
@pytest.mark.parametrize(
    ("method", "path", "content_type", "body", "named"), BODIES.values(), ids=BODIES
)
def test_a_bad_body_is_refused(
    chats: Chats,
    number: int,
    method: str,
    path: str,
    content_type: str,
    body: bytes,
    named: str,
    accept: str,
) -> None:
    headers = {"Content-Type": content_type, "Accept": accept}
    answer = chats["admin"].request(method, path.format(number), content=body, headers=headers)
    refused(answer, 413 if len(body) > 1_048_576 else 400, named)


@pytest.mark.parametrize("accept", ["application/json", "text/xml"])
@pytest.mark.parametrize(("method", "target", "status", "named"), TARGETS)
def test_a_bad_target_is_refused(
    chats: Chats, method: str, target: str, status: int, named: str, accept: str
) -> None:
    content = b'{"Rating":1}' if method == "PATCH" else None
    answer = chats["admin"].request(method, target, content=content, headers={"Accept": accept})
    refused(answer, status, named)
