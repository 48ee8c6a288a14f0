"""No input, however hostile, gets a 5xx or stores anything; refusals speak the face's language."""

import socket

import httpx
import pytest
from support.hostile import (
    BODIES,
    CHAT,
    CONDITIONS,
    FIELDS,
    FRAMING,
    MEBIBYTE,
    ROUTES,
    TARGETS,
    WRONG_METHODS,
    Body,
    Headers,
    Route,
    in_pieces,
)
from support.patience import patient
from support.raw_http import CUT_OFF, Answer, basic, chunked, request, send
from support.service_process import ADMIN, ServiceProcess

pytestmark = pytest.mark.usefixtures("_nothing_is_stored")

CREDENTIALS = (b"Authorization", basic(*ADMIN))


@pytest.fixture(scope="module")
def paths(admin: httpx.Client) -> dict[str, str]:
    """What the templates in ROUTES need."""
    return {
        "account": admin.post("/accounts", json={"name": "n"}).json()["id"],
        "session": admin.post("/ai/sessions", json={}).json()["id"],
        "chat": admin.post(CHAT.decode(), json={}).json()["ChatSessionId"],
    }


def target(route: Route, paths: dict[str, str]) -> bytes:
    """The path of a route."""
    return route.path.decode().format(**paths).encode()


def assert_refused(answer: Answer, path: bytes, status: int, named: str | None = None) -> None:
    """A refusal in the face's shape, which names the member at fault."""
    assert answer.status == status, answer.body[:300]
    assert answer.header("Content-Type") == "application/json; charset=utf-8"
    body = answer.json()
    if path.lower().startswith(b"/api/v1/"):
        assert list(body) == ["Error", "ErrorType", "ErrorMessage", "ErrorSource"]
        assert body["Error"] is True
        said = body["ErrorMessage"]
    else:
        assert list(body) == ["responseStatus"]
        outcome = body["responseStatus"]
        assert list(outcome) == ["errorCode", "message", "errors"]
        assert outcome["errorCode"]
        assert outcome["message"]
        said = " ".join(error["fieldName"] for error in outcome["errors"])
    assert named is None or named.lower() in said.lower(), f"{named} is not named in {said!r}"


@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)
@pytest.mark.parametrize("bad", BODIES.values(), ids=BODIES)
def test_a_bad_body_is_refused(
    served: ServiceProcess, paths: dict[str, str], route: Route, bad: Body
) -> None:
    if bad.chats_take_it and route.path.startswith(CHAT):
        pytest.skip("chat sessions take it")
    body, path = bad.of(route), target(route, paths)
    status = 413 if len(body) > MEBIBYTE else 400
    named = route.member if bad.names_member else None
    answer = send(served.port, request(route.method, path, body, [CREDENTIALS]))
    assert_refused(answer, path, status, named)


@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)
@pytest.mark.parametrize("mebibytes", [1, 17])
def test_a_body_in_chunks_is_bounded_too(
    served: ServiceProcess, paths: dict[str, str], route: Route, mebibytes: int
) -> None:
    path = target(route, paths)
    parts = in_pieces(b"x" * (mebibytes * MEBIBYTE + 1))
    authorization = b"Authorization: " + CREDENTIALS[1]
    answer = send(served.port, chunked(route.method, path, parts, authorization))
    assert_refused(answer, path, 413)


@pytest.mark.parametrize("name", ["new chat", "put chat"])
@pytest.mark.parametrize(("member", "value", "named"), FIELDS)
def test_a_bad_field_of_a_chat_session_is_named(
    served: ServiceProcess, paths: dict[str, str], name: str, member: str, value: bytes, named: str
) -> None:
    path = target(ROUTES[name], paths)
    body = b'{"%s":%s}' % (member.encode(), value)
    answer = send(served.port, request(ROUTES[name].method, path, body, [CREDENTIALS]))
    assert_refused(answer, path, 400, named)


@pytest.mark.parametrize(
    ("path", "body", "status", "named"),
    [
        ("/ai/sessions", b'{"accountId":"nobody"}', 400, "AccountId"),
        ("/ai/sessions", b'{"accountId":""}', 400, "AccountId"),
        ("/ai/sessions", b'{"accountId":"a\\u0000"}', 400, "AccountId"),
        ("/ai/sessions", b'{"accountId":"' + b"a" * 70_000 + b'"}', 400, "AccountId"),
        ("/ai/sessions", b'{"accountId":7}', 400, "AccountId"),
        ("/accounts", b"{}", 400, "Name"),
        ("/accounts", b'{"name":""}', 400, "Name"),
        ("/accounts", b'{"id":"' + b"a" * 65 + b'","name":"n"}', 400, "Id"),
        ("/accounts", b'{"id":"","name":"n"}', 400, "Id"),
        ("/accounts", b'{"id":"a/b","name":"n"}', 400, "Id"),
        ("/accounts", b'{"id":"String","name":"n"}', 409, None),
    ],
)
def test_a_bad_account_is_named(
    served: ServiceProcess, path: str, body: bytes, status: int, named: str | None
) -> None:
    answer = send(served.port, request("POST", path.encode(), body, [CREDENTIALS]))
    assert_refused(answer, path.encode(), status, named)


def test_a_session_id_in_the_body_that_the_path_contradicts_is_refused(
    served: ServiceProcess, paths: dict[str, str]
) -> None:
    path = f"/ai/sessions/{paths['session']}".encode()
    body = b'{"sessionId":"another","purpose":"p"}'
    answer = send(served.port, request("PATCH", path, body, [CREDENTIALS]))
    assert_refused(answer, path, 400, "SessionId")


@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)
@pytest.mark.parametrize(("headers", "named"), CONDITIONS.values(), ids=CONDITIONS)
def test_a_bad_header_is_named(
    served: ServiceProcess, paths: dict[str, str], route: Route, headers: Headers, named: str
) -> None:
    path = target(route, paths)
    sent = request(route.method, path, route.welcome, [CREDENTIALS, *headers])
    assert_refused(send(served.port, sent), path, 400, named)


@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)
@pytest.mark.parametrize(("headers", "statuses"), FRAMING.values(), ids=FRAMING)
def test_bad_framing_is_refused(
    served: ServiceProcess,
    paths: dict[str, str],
    route: Route,
    headers: Headers,
    statuses: set[int],
) -> None:
    path = target(route, paths)
    try:
        answer = send(
            served.port, request(route.method, path, route.welcome, [CREDENTIALS, *headers])
        )
    except CUT_OFF:
        return  # closing the connection is a refusal as well
    assert answer.status in statuses
    if answer.body:
        assert_refused(answer, path, answer.status)


@pytest.mark.parametrize(("method", "path", "status"), TARGETS)
def test_a_bad_target_is_refused(
    served: ServiceProcess, method: str, path: bytes, status: int
) -> None:
    body = None if method in ("GET", "DELETE") else b'{"name":"n","purpose":"p","Rank":1}'
    answer = send(served.port, request(method, path, body, [CREDENTIALS]), method)
    assert_refused(answer, path, status)


@pytest.mark.parametrize("path", [b"/ai/sessions/\xff", CHAT + b"/1?$select=\xff", b"/ai\0"])
def test_a_target_with_bare_bytes_is_refused(served: ServiceProcess, path: bytes) -> None:
    answer = send(served.port, request("GET", path, None, [CREDENTIALS]), "GET")
    assert answer.status == 400


@pytest.mark.parametrize(("method", "path", "allowed"), WRONG_METHODS)
def test_a_wrong_method_is_told_the_right_ones(
    served: ServiceProcess, method: str, path: bytes, allowed: set[str]
) -> None:
    answer = send(served.port, request(method, path, b"{}", [CREDENTIALS]), method)
    assert_refused(answer, path, 405)
    assert set((answer.header("Allow") or "").split(", ")) == allowed


def test_who_is_not_known_is_told_so_whatever_else_is_wrong(served: ServiceProcess) -> None:
    for path in (b"/ai/sessions", CHAT):
        assert_refused(send(served.port, request("POST", path, b"{")), path, 401)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_half_a_request_stores_nothing(served: ServiceProcess, share: float) -> None:
    whole = request("POST", b"/ai/sessions", b'{"purpose":"half"}', [CREDENTIALS])
    with socket.create_connection(("127.0.0.1", served.port), timeout=patient(30.0)) as connection:
        connection.sendall(whole[: int(len(whole) * share)])
        connection.shutdown(socket.SHUT_WR)
        said = connection.recv(65_536)
    assert not said or said.startswith(b"HTTP/1.1 4")
