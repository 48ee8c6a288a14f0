"""No input of one client keeps a process from all others: what it takes to read, in CPU time.

The limit is 50 ms on a quiet machine of the kind that the service was measured on; a probe tells
how much slower this one is at the moment. The slowest input of each reader is printed.
"""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from support.costly import BY_FORMAT, HEADER, KINDS, Costly, sizes
from support.patches import patched_by
from support.reading import EVO, SUPEROFFICE, Read, answered, cost_s, evo, told

from app.auth.principals import name_and_password
from app.codecs import formats
from app.codecs.form import MAX_URL_BYTES
from app.faces.evo.face import EvoFace
from app.faces.evo.wire import requests as r
from app.faces.evo.wire.binding import RequestParts, bind
from app.faces.superoffice.face import SuperOfficeFace
from app.faces.superoffice.wire import negotiation
from app.faces.superoffice.wire.entity import read_entity
from app.faces.superoffice.wire.locale import locale_of
from app.faces.superoffice.wire.message import read_message
from app.faces.superoffice.wire.requests import AcceptChatSessionTransferRequest, read_request
from app.faces.superoffice.wire.selection import Selection
from app.http import cookies
from app.http.head import MAX_HEADER_BYTES, read_head
from app.http.request import Request
from domain.chat.fields import ChatSessionFields

STATE = ChatSessionFields()


def superoffice(reader: Callable[..., object], format_: str) -> Read:
    return lambda body: reader(body, KINDS[format_])


def accept_request(body: bytes, content_type: bytes) -> object:
    return read_request(AcceptChatSessionTransferRequest, body, content_type, None)


def patch(body: bytes, content_type: bytes) -> object:
    return patched_by(STATE, body, content_type)


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


def request_of(**headers: bytes) -> Request:
    scope: Any = {
        "headers": [(name.replace("_", "-").encode(), value) for name, value in headers.items()],
        "path": "/",
        "query_string": b"",
        "client": None,
        "scheme": "http",
        "method": "POST",
    }
    return read_head(scope, behind_proxy=False, operation="NewAISession")


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
    "If-Match": (MAX_HEADER_BYTES - 20, lambda value: request_of(if_match=value).call()),
    "Host": (MAX_HEADER_BYTES - 20, lambda value: request_of(host=value)),
    "X-Forwarded-For": (
        MAX_HEADER_BYTES - 20, lambda value: request_of(x_forwarded_for=value).client
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
