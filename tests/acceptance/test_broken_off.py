"""Requests that end before they should: nothing is done for them, and a retry is a first try."""

import socket

import httpx
import pytest
from support.raw_http import request, send
from support.service_process import ADMIN, ServiceProcess

from acceptance.conftest import ACCOUNT

BASIC = httpx.BasicAuth(*ADMIN)._auth_header.encode()
BODY = b'{"accountId": "String", "purpose": "once"}'


@pytest.mark.parametrize(
    ("length", "sent"),
    [(b"content-length: 42", b""), (b"content-length: 42", BODY[:20]),
     (b"transfer-encoding: chunked", b"a\r\n" + BODY[:10] + b"\r\n")],
    ids=["no body", "half a body", "one chunk"],
)  # fmt: skip
def test_a_request_that_is_cut_off_leaves_its_key_unused(
    served: ServiceProcess, admin: httpx.Client, length: bytes, sent: bytes
) -> None:
    key = f"cut-{length[:5].decode()}-{len(sent)}"
    head = b"\r\n".join(
        [b"POST /ai/sessions HTTP/1.1", b"host: 127.0.0.1", b"authorization: " + BASIC,
         b"idempotency-key: " + key.encode(), length, b"", b""]
    )  # fmt: skip
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.sendall(head + sent)
    body = {"accountId": ACCOUNT["id"], "purpose": "once"}
    answer = admin.post("/ai/sessions", json=body, headers={"Idempotency-Key": key})
    assert answer.status_code == 200
    assert "idempotent-replayed" not in answer.headers
    assert answer.json()["purpose"] == "once"


@pytest.mark.parametrize("host", [b"x:b", b"a b", b"[", b"\xff"])
@pytest.mark.parametrize("path", [b"/nope", b"/api/v1/nope", b"/ai/sessions/x"])
def test_a_strange_host_is_no_failure(served: ServiceProcess, host: bytes, path: bytes) -> None:
    assert 400 <= send(served.port, request("GET", path, host=host), "GET").status < 500


def test_head_is_get_without_the_body(admin: httpx.Client) -> None:
    found, head = admin.get("/accounts/String"), admin.head("/accounts/String")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(found.content))
