"""What one client can send to keep the service from all others: little, and for a short time only.

The corpus of costly inputs, and the CPU time that each takes, is tried in wire/test_costs.py.
"""

import socket
import threading
from collections.abc import Iterator
from http.client import HTTPResponse
from itertools import cycle
from typing import Any

import httpx
import msgspec
import pytest
from support.costly import BY_FORMAT, KINDS, MEBIBYTE
from support.patience import patient
from support.probe import live_s
from support.raw_http import CUT_OFF, PATIENCE_S, basic, chunked, request, send
from support.service_process import ADMIN, ServiceProcess

from app.codecs.formats import FORMATS
from app.codecs.limits import MAX_OPERATIONS
from app.faces.evo.wire.api import API
from domain.limits import LIST_ITEMS, MAP_MEMBERS

ANONYMOUS_BYTES = 16 * 1024
CHAT = "/api/v1/ChatSession"
AGENT = "/api/v1/Agents/Chat"


def anonymous_targets() -> Iterator[str]:
    """Where a body is read before it is known who sends it."""
    for api in API:
        if api.anonymous:
            before = ("/api", *(f"/{name}/reply" for name in FORMATS), "/json/oneway")
            yield from (f"{start}/{api.name}" for start in before)
            yield from (path.replace("{provider}", "credentials") for path in api.paths)


ANONYMOUS = sorted(anonymous_targets())


@pytest.mark.parametrize("target", ANONYMOUS)
def test_who_is_not_known_sends_16_kib_at_the_most(served: ServiceProcess, target: str) -> None:
    def status(body: bytes) -> int:
        return send(served.port, request("POST", target.encode(), body)).status

    if status(b"") == 405:
        return  # nobody posts there
    taken = b'{"userName":"' + b"x" * (ANONYMOUS_BYTES - 15) + b'"}'
    assert len(taken) == ANONYMOUS_BYTES
    assert status(taken) in (200, 204, 400, 401, 429)
    assert status(taken + b" ") == 413
    assert status(taken + b" " * MEBIBYTE) == 413


@pytest.mark.parametrize("credentials", [(), (b"Authorization: " + basic(*ADMIN),)])
@pytest.mark.parametrize("size", [ANONYMOUS_BYTES + 1, MEBIBYTE, 3 * MEBIBYTE])
def test_what_comes_in_chunks_is_counted(
    served: ServiceProcess, credentials: tuple[bytes, ...], size: int
) -> None:
    parts = [b" " * 4_096] * (size // 4_096) + [b" "]
    assert send(served.port, chunked("POST", b"/auth", parts, *credentials)).status == 413


@pytest.mark.parametrize(
    ("target", "authorization", "limit"),
    [
        (b"/auth", b"", ANONYMOUS_BYTES),
        (b"/json/reply/Authenticate", b"", ANONYMOUS_BYTES),
        (b"/ai/sessions", basic(*ADMIN), MEBIBYTE),
        (b"/api/v1/ChatSession", basic(*ADMIN), MEBIBYTE),
    ],
)
def test_a_body_that_is_announced_too_long_is_refused_before_it_comes(
    served: ServiceProcess, target: bytes, authorization: bytes, limit: int
) -> None:
    head = b"POST %s HTTP/1.1\r\nHost: a\r\nAuthorization: %s\r\nContent-Length: %d\r\n\r\n" % (
        target,
        authorization,
        limit + 1,
    )
    if not authorization:
        head = head.replace(b"Authorization: \r\n", b"")
    with socket.create_connection(
        ("127.0.0.1", served.port), timeout=patient(PATIENCE_S)
    ) as connection:
        connection.sendall(head)
        answer = HTTPResponse(connection, method="POST")
        answer.begin()
        assert answer.status == 413
        assert str(limit).encode() in answer.read()


@pytest.mark.parametrize("size", [ANONYMOUS_BYTES + 1, MEBIBYTE, 15 * MEBIBYTE])
@pytest.mark.parametrize("target", ["/auth", "/ai/sessions", "/nowhere"])
def test_who_sends_before_it_listens_gets_the_answer_all_the_same(
    anonymous: httpx.Client, target: str, size: int
) -> None:
    for _ in range(3):  # whether a reset comes before the answer is a matter of luck
        answer = anonymous.post(target, content=b" " * size)
        assert answer.status_code == {"/auth": 413, "/ai/sessions": 401, "/nowhere": 404}[target]


def worst() -> Iterator[tuple[bytes, bytes, bytes]]:
    """Target, media type and body of what costs the most, or would without limits."""
    for format_, name in (
        ("jsv", "commas"), ("jsv", "empty objects"), ("json", "an object, and NUL"),
        ("csv", "rows"), ("lines", "empty objects"), ("xml", "elements"), ("form", "escapes"),
    ):  # fmt: skip
        costly = BY_FORMAT[format_][name]
        yield b"/api/ListAISessions[]", KINDS[format_], costly.body(costly.most())
        yield b"/api/ListAISessions[]", KINDS[format_], costly.body(4_900)
        yield b"/auth", KINDS[format_], costly.body(costly.most())
        yield b"/auth", KINDS[format_], costly.body(costly.most(ANONYMOUS_BYTES))


def test_while_one_client_sends_the_worst_others_are_answered(served: ServiceProcess) -> None:
    quiet = max(live_s(served) for _ in range(20))
    over = threading.Event()
    statuses: list[int] = []
    sender = threading.Thread(target=keep_sending, args=(served, over, statuses))
    sender.start()
    try:
        waits = [live_s(served) for _ in range(40)]
        while len(statuses) < 28:  # each of them was sent, while others asked
            waits.append(live_s(served))
    finally:
        over.set()
        sender.join()
    assert {413, 400} <= set(statuses) < set(range(200, 500))
    # Generous: without limits, one body alone kept all others waiting for 4 s.
    assert max(waits) < max(1.0, 20 * quiet)


def keep_sending(served: ServiceProcess, over: threading.Event, statuses: list[int]) -> None:
    for target, kind, body in cycle(worst()):
        if over.is_set():
            return
        head = [(b"Authorization", basic(*ADMIN))] if target != b"/auth" else []
        sent = request("POST", target, body, head).replace(b"application/json", kind, 1)
        try:
            statuses.append(send(served.port, sent).status)
        except CUT_OFF:
            statuses.append(0)


MORE = {f"k{number}": "v" for number in range(MAP_MEMBERS + 1)}
FORM = "&".join(f"User.CustomFields.{key}={value}" for key, value in MORE.items())
PAIRS = "".join(
    f"<KeyValueOfstringstring><Key>{key}</Key><Value>{value}</Value></KeyValueOfstringstring>"
    for key, value in MORE.items()
)
LINES: dict[str, Any] = {"Contact": {"Address": {"LocalizedAddress": [[]] * (LIST_ITEMS + 1)}}}
WAYS: dict[str, tuple[str, str, str, object]] = {
    "POST": ("POST", CHAT, "application/json", {"User": {"CustomFields": MORE}}),
    "POST of a list": ("POST", CHAT, "application/json", LINES),
    "PUT": ("PUT", f"{CHAT}/ID", "application/json", {"TransferTo": {"ExtraFields": MORE}}),
    "PUT of XML": (
        "PUT", f"{CHAT}/ID", "application/xml",
        f"<ChatSessionEntity><User><CustomFields>{PAIRS}</CustomFields></User></ChatSessionEntity>",
    ),
    "PUT of a form": ("PUT", f"{CHAT}/ID", "application/x-www-form-urlencoded", "FORM"),
    "a merge": ("PATCH", f"{CHAT}/ID", "application/json", {"User": {"CustomFields": MORE}}),
    "a JSON Patch of a list": (
        "PATCH", f"{CHAT}/ID", "application/json",
        [{"op": "add", "path": "/Contact", "value": LINES["Contact"]}],
    ),
    "a JSON Patch": (
        "PATCH", f"{CHAT}/ID", "application/json",
        [{"op": "add", "path": "/User/CustomFields", "value": MORE}],
    ),
    "the agent": (
        "POST", f"{AGENT}/SaveChatSessionEntity", "application/json",
        {"User": {"CustomFields": MORE}},
    ),
}  # fmt: skip


@pytest.fixture
def full(admin: httpx.Client) -> str:
    """The id of a chat session whose agent has as many custom fields as may be."""
    held = dict(list(MORE.items())[:MAP_MEMBERS])
    made = admin.post(CHAT, json={"User": {"CustomFields": held}})
    assert made.status_code == 200, made.text
    return str(made.json()["ChatSessionId"])


@pytest.mark.parametrize("way", WAYS)
def test_no_way_leads_to_a_map_or_a_list_without_end(
    admin: httpx.Client, full: str, way: str
) -> None:
    method, target, kind, given = WAYS[way]
    content = given if isinstance(given, str) else msgspec.json.encode(given)
    if content == "FORM":  # has room for 1,000 pairs only: items of a list need fewer
        content = "&".join(f"Contact.Address.LocalizedAddress.{n}=" for n in range(LIST_ITEMS + 1))
    refused = admin.request(
        method, target.replace("ID", full), content=content, headers={"content-type": kind}
    )
    assert refused.status_code == 400, refused.text
    told = refused.json()
    assert told["Error"] is True
    assert any(
        name in told["ErrorMessage"] for name in ("CustomFields", "ExtraFields", "LocalizedAddr")
    )
    assert "is the most" in told["ErrorMessage"]


def test_a_patch_has_100_operations_that_look_at_10_000_values(
    admin: httpx.Client, full: str
) -> None:
    def status(operation: dict[str, Any], times: int) -> int:
        return admin.patch(f"{CHAT}/{full}", json=[operation] * times).status_code

    rank = {"op": "test", "path": "/Rank", "value": 0}
    assert (status(rank, MAX_OPERATIONS), status(rank, MAX_OPERATIONS + 1)) == (200, 400)
    held = admin.get(f"{CHAT}/{full}").json()["User"]["CustomFields"]
    fields = {"op": "test", "path": "/User/CustomFields", "value": held}
    assert (status(fields, 1), status(fields, 9)) == (200, 200)
    refused = admin.patch(f"{CHAT}/{full}", json=[fields | {"value": {}}] * 10)
    assert refused.status_code == 409  # the first of them fails already
    fits = {"op": "test", "path": "/User/CustomFields/k1", "value": "v"}
    assert status(fits, MAX_OPERATIONS) == 200
    assert status({"op": "replace", "path": "/Rank", "value": 7}, 1) == 200
