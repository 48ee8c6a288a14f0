"""No input of one client keeps a process from all others: what it takes to read, in CPU time.

The limit is 50 ms on a quiet machine of the kind that the service was measured on; a probe tells
how much slower this one is at the moment. The slowest input of each reader is printed.
"""

import os
import re
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from msgspec.structs import replace
from support.costly import BY_FORMAT, HEADER, KINDS, MEBIBYTE, Costly, sizes

from app.auth.principals import name_and_password
from app.codecs import formats
from app.codecs.form import MAX_URL_BYTES
from app.codecs.json_text import BadInput, TooManyValues
from app.codecs.limits import MAX_OPERATIONS, MAX_VALUES
from app.faces.evo.face import EvoFace
from app.faces.evo.wire import requests as r
from app.faces.evo.wire.binding import RequestParts, bind, bind_all
from app.faces.superoffice.face import SuperOfficeFace
from app.faces.superoffice.wire import negotiation
from app.faces.superoffice.wire.entity import read_entity
from app.faces.superoffice.wire.locale import locale_of
from app.faces.superoffice.wire.message import read_message
from app.faces.superoffice.wire.patch import patched
from app.faces.superoffice.wire.requests import AcceptChatSessionTransferRequest, read_request
from app.faces.superoffice.wire.selection import Selection
from app.http import cookies
from app.http.errors import refusal
from app.http.request import MAX_HEADER_BYTES, Exchange
from app.service import Service
from domain.chat.carriers import Associate
from domain.chat.session import ChatSession, ChatSessionFields, UpdateChatSession, decide
from domain.errors import DomainError
from domain.ids import ChatSessionId
from domain.limits import MAP_MEMBERS

Read = Callable[[bytes], object]

LIMIT_S = 0.050
PROBE_S = 0.006
"""What `probe` takes on the machine of the limit."""
TRIES = 4


def probe() -> None:
    """Work of the kinds that readers do."""
    text = "a,bc,,d" * 1_500
    found: dict[str, int] = {}
    for word in re.findall("[^,]*", text):
        found[word] = found.get(word, 0) + len(word)
    for _ in range(30):
        msgspec.json.decode(msgspec.json.encode(list(range(2_000))))
    sum(number * number for number in range(50_000))


def cpu_s(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def cost_s(work: Callable[[], object]) -> float:
    """The CPU time of some work on the machine of the limit: the least of a few tries."""
    cost = cpu_s(work)
    for _ in range(TRIES):
        if cost < LIMIT_S / 2:
            break
        slowness = max(cpu_s(probe) / PROBE_S, 1.0)
        cost = min(cost, cpu_s(work) / slowness)
    return cost


def answered(read: Read, body: bytes, face: EvoFace | SuperOfficeFace) -> str:
    """Read a body, and write what is told of it; the code of a refusal."""
    try:
        read(body)
    except Exception as error:
        refused = refusal(error, 1, face.responses)
        reply = face.refuse(refused, None)
        if not 400 <= reply.status < 500 or len(reply.body) > 5_000:
            raise
        return refused.code
    return ""


def evo(kind: type[Any], format_: str, *, batch: bool = False) -> Read:
    sent = RequestParts(content_type=KINDS[format_])
    binder: Callable[[type[Any], RequestParts], object] = bind_all if batch else bind
    return lambda body: binder(kind, replace(sent, body=body))


STATE = ChatSessionFields()


def superoffice(reader: Callable[..., object], format_: str) -> Read:
    return lambda body: reader(body, KINDS[format_])


def accept_request(body: bytes, content_type: bytes) -> object:
    return read_request(AcceptChatSessionTransferRequest, body, content_type, None)


def patch(body: bytes, content_type: bytes) -> object:
    return patched(STATE, body, content_type)


EVO, SUPEROFFICE = EvoFace(), SuperOfficeFace()
READERS: dict[str, tuple[str, bytes, EvoFace | SuperOfficeFace, Read]] = {
    f"evo {what}, {format_}": (format_, b"ListAISessions", EVO, read)
    for format_ in BY_FORMAT
    for what, read in (
        ("request", evo(r.ListAISessions, format_)),
        ("batch", evo(r.ListAISessions, format_, batch=True)),
    )
    if what == ("request" if format_ in ("xml", "form", "multipart") else "batch")
} | {
    f"superoffice {what}, {format_}": (format_, b"ChatSessionEntity", SUPEROFFICE, read)
    for what, format_, read in (
        ("entity", "json", superoffice(read_entity, "json")),
        ("entity", "xml", superoffice(read_entity, "xml")),
        ("entity", "form", superoffice(read_entity, "form")),
        ("patch", "json", superoffice(patch, "json")),
    )
}  # fmt: skip
if os.environ.get("SESSIONARY_TEST_ALL_READERS"):
    READERS |= {
        "evo one request, json": ("json", b"", EVO, evo(r.NewAISession, "json")),
        "evo one request, jsv": ("jsv", b"", EVO, evo(r.NewAISession, "jsv")),
        "evo new sessions, xml": (
            "xml",
            b"NewAISession",
            EVO,
            evo(r.NewAISession, "xml", batch=True),
        ),
        "superoffice message": ("json", b"", SUPEROFFICE, superoffice(read_message, "json")),
        "superoffice request": ("json", b"", SUPEROFFICE, superoffice(accept_request, "json")),
    }


@pytest.mark.parametrize("reader", READERS)
def test_no_body_costs_more_than_50_ms(reader: str, capsys: pytest.CaptureFixture[str]) -> None:
    format_, root, face, read = READERS[reader]
    costs: dict[str, float] = {}
    for name, costly in BY_FORMAT[format_].items():
        parts = (part.replace(b"ROOT", root) for part in (costly.head, costly.unit, costly.tail))
        code = ""
        for body in sizes(Costly(*parts)):

            def work(body: bytes = body) -> None:
                nonlocal code
                code = answered(read, body, face)

            costs[f"{name}, {len(body):,} bytes"] = cost_s(work)
            if code != "TooManyValues":
                break
    told(capsys, reader, costs)


def told(capsys: pytest.CaptureFixture[str], reader: str, costs: dict[str, float]) -> None:
    """Print the slowest, and see that it is not too slow."""
    slowest = max(costs, key=costs.__getitem__)
    with capsys.disabled():
        sys.stdout.write(f"\n{reader}: {costs[slowest] * 1000:.1f} ms for {slowest}")
    assert {what: cost for what, cost in costs.items() if cost > LIMIT_S} == {}


def exchange(**headers: bytes) -> Exchange:
    settings = SimpleNamespace(body_bytes=1, behind_proxy=False, answer_bytes=1)
    scope: Any = {
        "headers": [(name.replace("_", "-").encode(), value) for name, value in headers.items()],
        "path": "/",
        "query_string": b"",
        "client": None,
        "scheme": "http",
        "method": "POST",
    }
    opened = Exchange(cast("Service", SimpleNamespace(settings=settings)), scope)
    opened.operation = "NewAISession"
    return opened


def select(value: bytes) -> object:
    selection = Selection.parse(value.decode())
    return selection and selection.of(STATE)


def query(value: bytes) -> list[tuple[str, str]]:
    return [("specificIds", value.decode()), *(("accountIds", "a") for _ in range(900))]


HEADERS: dict[str, tuple[int, Read]] = {
    "Accept": (MAX_HEADER_BYTES, formats.accepted.__wrapped__),
    "Accept, superoffice": (MAX_HEADER_BYTES, negotiation.answer_format.__wrapped__),
    "Accept-Language": (MAX_HEADER_BYTES, lambda value: locale_of({b"accept-language": value})),
    "SO-TimeZone": (MAX_HEADER_BYTES, lambda value: locale_of({b"so-timezone": value})),
    "Cookie": (MAX_HEADER_BYTES, cookies.read),
    "Authorization": (MAX_HEADER_BYTES, name_and_password),
    "Content-Type": (MAX_HEADER_BYTES, formats.charset_of.__wrapped__),
    "If-Match": (MAX_HEADER_BYTES - 20, lambda value: exchange(if_match=value).call()),
    "Host": (MAX_HEADER_BYTES - 20, lambda value: exchange(host=value)),
    "X-Forwarded-For": (
        MAX_HEADER_BYTES - 20, lambda value: exchange(x_forwarded_for=value).client
    ),
    "a query": (
        MAX_URL_BYTES, lambda value: bind(r.ListAISessions, RequestParts(query=query(value)))
    ),
    "$select": (MAX_URL_BYTES, select),
}  # fmt: skip


@pytest.mark.parametrize("reader", HEADERS)
def test_no_header_and_no_query_costs_more_than_50_ms(
    reader: str, capsys: pytest.CaptureFixture[str]
) -> None:
    size, read = HEADERS[reader]
    costs: dict[str, float] = {}
    for name, costly in HEADER.items():
        value = costly.body(costly.most(size))
        costs[name] = cost_s(partial(answered, read, value, SUPEROFFICE))
    told(capsys, reader, costs)


MAP: dict[str, str | None] = {f"k{number}": "v" for number in range(MAP_MEMBERS)}
FULL = ChatSession(
    user=Associate(extra_fields=MAP, custom_fields=MAP),
    transfer_to=Associate(extra_fields=MAP, custom_fields=MAP),
)
OLD = ChatSession(user=Associate(custom_fields=dict.fromkeys(map(str, range(20_000)), "v")))
"""What was stored before maps had a limit."""
PATCHES = {
    "tests of a map": {"op": "test", "path": "/User/CustomFields", "value": {}},
    "tests of a map as it is": {"op": "test", "path": "/User/CustomFields", "value": None},
    "tests of a carrier": {"op": "test", "path": "/User", "value": {}},
    "replacing a map": {"op": "replace", "path": "/User/CustomFields", "value": MAP},
    "removing": {"op": "remove", "path": "/User/CustomFields/k1"},
    "adding": {"op": "add", "path": "/User/CustomFields/k1", "value": "w"},
}


@pytest.mark.parametrize("state", [FULL, OLD], ids=["full", "old"])
def test_no_patch_costs_more_than_50_ms_whatever_is_stored(
    state: ChatSession, capsys: pytest.CaptureFixture[str]
) -> None:
    costs = {}
    for name, operation in PATCHES.items():
        for times in (1, 5, MAX_OPERATIONS, MAX_OPERATIONS + 1, 1_000):
            body = msgspec.json.encode([operation] * times)
            if len(body) > MEBIBYTE:
                break

            def change(body: bytes = body) -> None:
                with suppress(BadInput, DomainError):
                    wanted = patched(state, body)
                    names = ChatSessionFields.__struct_fields__
                    fields = {name: getattr(wanted, name) for name in names}
                    fields["chat_session_id"] = ChatSessionId(1)
                    decide(UpdateChatSession(**fields), state)

            costs[f"{times} x {name}"] = cost_s(change)
    told(capsys, "a patch of what is stored", costs)


def test_the_most_that_may_be_is_taken() -> None:
    """What honest clients send, at the documented limits."""
    batch = msgspec.json.encode([{"purpose": "p, q: [r]" * 100, "accountId": "a"}] * 1_000)
    assert len(evo_batch(batch, b"application/json")) == 1_000
    rows = b"AccountId,Purpose,a,b,c,d,e,f,g\n" + b"a,p,1,2,3,4,5,6,7\n" * 1_000
    assert len(evo_batch(rows, b"text/csv")) == 1_000
    lines = b'{"purpose":"p","accountId":"a"}\n' * 1_000
    assert len(evo_batch(lines, b"text/jsonl")) == 1_000
    text = "Привет, мир! " * 4_000  # Russian
    form = f"purpose={'%D0%9F+' * 1_000}".encode()
    assert bind(r.NewAISession, RequestParts(body=form, content_type=KINDS["form"])).purpose
    body = msgspec.json.encode([text, '{"a": [1, 2, 3]}' * 5_000])
    with pytest.raises(BadInput, match="Expected `object`"):
        bind(r.NewAISession, RequestParts(body=body, content_type=KINDS["json"]))


def evo_batch(body: bytes, content_type: bytes) -> list[r.NewAISession]:
    return bind_all(r.NewAISession, RequestParts(body=body, content_type=content_type))


MANY: dict[str, tuple[str, Callable[[int], bytes]]] = {
    "a list": ("json", lambda n: b"[" + b",".join([b"0"] * (n - 1)) + b"]"),
    "a list of empty lists": ("json", lambda n: b"[" + b",".join([b"[ ]"] * (n - 1)) + b"]"),
    "a list of texts": ("json", lambda n: b"[" + b",".join([b'",[{:"'] * (n - 1)) + b"]"),
    "texts with escapes": ("json", lambda n: b"[" + b",".join([rb'"\\\",[\\"'] * (n - 1)) + b"]"),
    "an object": ("json", lambda n: b"{" + b",".join([b'"%d":0' % i for i in range(n - 1)]) + b"}"),
    "JSV": ("jsv", lambda n: b"[" + b",".join([b"x"] * (n - 1)) + b"]"),
    "JSV's quotes": ("jsv", lambda n: b"[" + b",".join([b'",[x"'] * (n - 1)) + b"]"),
    "CSV": ("csv", lambda n: b"a\n" + b"b\n" * (n - 1)),
    "elements": ("xml", lambda n: b"<NewAISession>" + b"<a>b</a>" * (n - 1) + b"</NewAISession>"),
    "attributes": (
        "xml", lambda n: b"<NewAISession>" + b"<a b=''>c</a>" * ((n - 1) // 2) + b"</NewAISession>"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("format_", "made"), MANY.values(), ids=MANY)
def test_the_limit_of_values_is_exact_in_every_format(
    format_: str, made: Callable[[int], bytes]
) -> None:
    def refused(values: int) -> str:
        return answered(evo(r.NewAISession, format_), made(values), EVO)

    assert refused(MAX_VALUES - 1) != "TooManyValues"
    with pytest.raises(TooManyValues, match=f"^The body holds more than {MAX_VALUES} values$"):
        evo(r.NewAISession, format_)(made(MAX_VALUES + 1))
    assert refused(MAX_VALUES + 1) == "TooManyValues"
