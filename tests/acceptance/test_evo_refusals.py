"""Refusals of every kind, in the format that their answers were to have; nothing is stored."""

from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest
from msgspec import Struct
from support.refusals import CONTENT_TYPES, READERS, refused
from support.service_process import ADMIN

from acceptance.conftest import AUDITOR

pytestmark = pytest.mark.usefixtures("_nothing_is_stored")

MEBIBYTE = 1024 * 1024
UNKNOWN = "01a1fe08-021c-7204-a45b-b9794c52f30f"
SESSIONS = "/ai/sessions.ext"
SESSION = "/ai/sessions/{session}.ext"
JSON = ("Content-Type", "application/json")


class Case(Struct, frozen=True, kw_only=True):
    """A request and its refusal; `.ext` stands for the extension of a format."""

    method: str
    path: str
    body: bytes = b"{}"
    headers: tuple[tuple[str, str], ...] = (JSON,)
    who: tuple[str, str] | None = ADMIN
    status: int
    code: str
    fields: tuple[str, ...] = ()


CASES = {
    "malformed": Case(
        method="POST", path=SESSIONS, body=b"{", status=400, code="SerializationException"
    ),
    "member of a wrong type": Case(
        method="PATCH", path=SESSION, body=b'{"purpose":5}',
        status=400, code="ValidationException", fields=("Purpose",),
    ),
    "member that the path contradicts": Case(
        method="PATCH", path=SESSION, body=b'{"sessionId":"other"}',
        status=400, code="BadRequest", fields=("SessionId",),
    ),
    "unknown account": Case(
        method="POST", path=SESSIONS, body=b'{"accountId":"?"}',
        status=400, code="AccountNotFound", fields=("AccountId",),
    ),
    "nobody": Case(method="PATCH", path=SESSION, who=None, status=401, code="Unauthorized"),
    "wrong name and password": Case(
        method="PATCH", path=SESSION, who=("who", "wrong"), status=401, code="Unauthorized"
    ),
    "no role": Case(method="PATCH", path=SESSION, who=AUDITOR, status=403, code="Forbidden"),
    "unknown path": Case(method="POST", path="/ai/nothing/here.ext", status=404, code="NotFound"),
    "unknown request": Case(method="POST", path="/api/Nope.ext", status=404, code="NotFound"),
    "unknown session": Case(
        method="PATCH", path=f"/ai/sessions/{UNKNOWN}.ext", status=404, code="NotFound"
    ),
    "unknown action": Case(
        method="DELETE", path="/ai/sessions/{session}/actions/none.ext",
        status=404, code="NotFound",
    ),
    "wrong verb": Case(method="PUT", path=SESSION, status=405, code="MethodNotAllowed"),
    "wrong verb by name": Case(
        method="DELETE", path="/api/NewAISession.ext", status=405, code="MethodNotAllowed"
    ),
    "there already": Case(
        method="POST", path="/accounts.ext", body=b'{"id":"String","name":"n"}',
        status=409, code="AlreadyExists",
    ),
    "stale version": Case(
        method="PATCH", path=SESSION, body=b'{"purpose":"x"}',
        headers=(JSON, ("If-Match", '"7"')), status=412, code="PreconditionFailed",
    ),
    "too large": Case(
        method="POST", path=SESSIONS, body=b"x" * (MEBIBYTE + 1),
        status=413, code="RequestTooLarge",
    ),
    "unknown type": Case(
        method="POST", path=SESSIONS, body=b"x", headers=(("Content-Type", "image/png"),),
        status=415, code="UnsupportedMediaType",
    ),
    "compressed": Case(
        method="POST", path=SESSIONS, body=b"\x1f\x8b",
        headers=(JSON, ("Content-Encoding", "gzip")), status=415, code="UnsupportedMediaType",
    ),
    "key of another command": Case(
        method="POST", path=SESSIONS, body=b'{"purpose":"x"}',
        headers=(JSON, ("Idempotency-Key", "{key}")), status=422, code="IdempotencyKeyReused",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def values(admin: httpx.Client) -> dict[str, str]:
    """What paths and headers need: a session at version 1, and a key that was used for one."""
    key = str(uuid4())
    made = admin.post("/ai/sessions", json={}, headers={"Idempotency-Key": key})
    return {"session": made.json()["id"], "key": key}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_refusal_has_the_format_of_the_answer(
    client: Callable[[tuple[str, str] | None], httpx.Client], values: dict[str, str], case: Case
) -> None:
    asking = client(case.who)
    headers = {name: value.format(**values) for name, value in case.headers}
    for format_ in READERS:
        path = case.path.format(**values).replace(".ext", f".{format_}")
        answer = asking.request(case.method, path, content=case.body, headers=headers)
        assert answer.status_code == case.status, answer.text
        assert answer.headers["Content-Type"] == CONTENT_TYPES[format_]
        assert answer.headers["Vary"] == "Accept"
        assert "Content-Disposition" not in answer.headers
        found = refused(format_, answer.content)
        assert (found.code, tuple(found.fields), found.meta) == (case.code, case.fields, {})
        assert ("WWW-Authenticate" in answer.headers) == (case.status == 401)
        assert ("Allow" in answer.headers) == (case.status == 405)


@pytest.mark.parametrize(
    ("accept", "format_", "content_type"),
    [
        ("text/xml", "xml", "text/xml"),
        ("text/jsv", "jsv", "text/jsv"),
        ("text/csv;q=0.5, application/xml", "xml", "application/xml"),
    ],
)
def test_a_refusal_goes_by_accept_too(
    admin: httpx.Client, anonymous: httpx.Client, accept: str, format_: str, content_type: str
) -> None:
    for asking, path, code in (
        (admin, "/ai/sessions/none", "NotFound"),
        (admin, "/nothing/here", "NotFound"),
        (anonymous, "/ai/sessions", "Unauthorized"),
    ):
        answer = asking.get(path, headers={"Accept": accept})
        assert answer.headers["Content-Type"] == content_type
        assert refused(format_, answer.content).code == code


def test_allow_lists_the_verbs_that_there_are(admin: httpx.Client, values: dict[str, str]) -> None:
    session = values["session"]
    for path, allowed in (
        ("/ai/sessions", {"GET", "HEAD", "POST"}),
        (f"/ai/sessions/{session}", {"GET", "HEAD", "PATCH", "DELETE"}),
        (f"/ai/sessions/{session}/apply", {"POST"}),
        (f"/ai/sessions/{session}/actions", {"POST", "DELETE"}),
        ("/api/PatchAISession", {"PATCH", "POST"}),
        ("/xml/reply/ListAISessions", {"GET", "HEAD", "POST"}),
        ("/json/oneway/DeleteAISession", {"DELETE", "POST"}),
        ("/api/DeleteAISession[]", {"POST"}),
    ):
        answer = admin.put(path, json={})
        assert answer.status_code == 405, path
        assert set(answer.headers["Allow"].split(", ")) == allowed, path
