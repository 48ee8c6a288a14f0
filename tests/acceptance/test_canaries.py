"""No secret and nothing personal is in any line of the log: at level debug, in both forms."""

import asyncio
import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import asyncpg
import httpx
import pytest
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess
from support.service_process import service as running_service

CANARIES = {
    name: f"Canary{number}{name.title()}"
    for number, name in enumerate(
        ["password", "wrong", "token", "cookie", "customer", "message", "phone", "purpose", "host",
         "path", "query", "header", "person", "key"], start=7_001
    )
}  # fmt: skip
C = CANARIES
EMAIL = f"{C['person']}@canary.example"
JSON = {"Content-Type": "application/json"}
CHAT = {
    "CustomerName": C["customer"], "CustomerEmail": EMAIL, "CustomerPhone": C["phone"],
    "CustomerHost": C["host"],
}  # fmt: skip
BODIES: Mapping[str, tuple[str, bytes]] = {
    "json": ("application/json", json.dumps({"purpose": C["purpose"]}).encode()),
    "broken json": ("application/json", f'{{"purpose": "{C["purpose"]}'.encode()),
    "another type": ("application/json", json.dumps({"purpose": {C["purpose"]: []}}).encode()),
    "no utf-8": ("application/json", b'{"purpose": "%s\xff"}' % C["purpose"].encode()),
    "xml": ("application/xml", f"<NewAISession><purpose>{C['purpose']}<".encode()),
    "csv": ("text/csv", f'Purpose\r\n"{C["purpose"]}'.encode()),
    "jsv": ("text/jsv", f"{{purpose:{C['purpose']}".encode()),
    "form": ("application/x-www-form-urlencoded", f"purpose={C['purpose']}%ff".encode()),
    "multipart": ("multipart/form-data; boundary=x", f"--x\r\n{C['purpose']}".encode()),
    "unknown type": (f"text/{C['purpose']}", C["purpose"].encode()),
    "lone surrogate": ("application/json", f'{{"purpose": "{C["purpose"]}\\ud800"}}'.encode()),
    "NUL": ("application/json", f'{{"purpose": "{C["purpose"]}\\u0000"}}'.encode()),
}
CREDENTIALS: Mapping[str, Mapping[str, str]] = {
    "wrong password": {"Authorization": "Basic " + base64.b64encode(
        f"admin:{C['wrong']}".encode()).decode()},
    "unknown name": {"Authorization": "Basic " + base64.b64encode(
        f"{C['person']}:{C['wrong']}".encode()).decode()},
    "no basic": {"Authorization": f"Basic {C['wrong']}"},
    "made-up token": {"Authorization": f"Bearer {C['token']}"},
    "unknown scheme": {"Authorization": f"{C['token']} {C['token']}"},
    "made-up cookie": {"Cookie": f"ss-id={C['cookie']}; ss-pid={C['cookie']}"},
    "broken cookie": {"Cookie": f"{C['cookie']}"},
    "xsrf": {"Cookie": f"ss-id={C['cookie']}", "X-XSRF-TOKEN": C["cookie"]},
}  # fmt: skip


@pytest.fixture(scope="module", params=["text", "json"])
def served(request: pytest.FixtureRequest) -> Iterator[ServiceProcess]:
    """A service that logs all it can, in one of the forms."""
    options = (f"--log-format={request.param}", "--log-level=debug")
    with running_service(*options, password=C["password"]) as started:
        yield started


@pytest.fixture(scope="module")
def asked(served: ServiceProcess) -> list[str]:
    """Calls of all kinds; the secrets that the service made meanwhile."""
    with httpx.Client(base_url=served.base_url, timeout=patient(60.0)) as client:
        made = _good(client, served)
        _bad(client)
        client.auth = httpx.BasicAuth(ADMIN[0], C["password"])
        _bad(client)
        _faulty(client, served)
    return made


def _good(client: httpx.Client, served: ServiceProcess) -> list[str]:
    auth = (ADMIN[0], C["password"])
    signed_in = client.post(
        "/auth/credentials", json={"userName": ADMIN[0], "password": C["password"]}
    )
    assert signed_in.status_code == 200, signed_in.text
    cookies = list(dict(signed_in.cookies).values())
    client.cookies.clear()
    token = client.get("/auth/token", params={"userId": ADMIN[0]}, auth=auth)
    bearer = token.json()["authToken"] if token.status_code == 200 else served.command(
        "users", "token", ADMIN[0]
    ).stdout.strip()  # fmt: skip
    made = client.post("/ai/sessions", json={"purpose": C["purpose"]}, auth=auth)
    assert made.status_code == 200, made.text
    client.get(f"/ai/sessions/{made.json()['id']}", headers={"Authorization": f"Bearer {bearer}"})
    chat = client.post("/api/v1/ChatSession", json=CHAT, auth=auth)
    assert chat.status_code == 200, chat.text
    said = client.post(
        f"/api/v1/ChatSession/{chat.json()['ChatSessionId']}/Messages",
        json={"Type": "ToUser", "Message": C["message"], "Author": C["person"]},
        auth=auth,
    )
    key = (served.data_dir / "master.key").read_text().strip()
    keys = [key, base64.b64decode(key).hex(), chat.json().get("SessionKey") or ""]
    assert said.status_code in (200, 204), said.text
    return [secret for secret in (*cookies, bearer, *keys) if len(secret) > 8]


def _bad(client: httpx.Client) -> None:
    for type_, body in BODIES.values():
        for path in ("/ai/sessions", "/api/v1/ChatSession", "/auth/credentials"):
            client.post(path, content=body, headers={"Content-Type": type_})
    for headers in CREDENTIALS.values():
        for path in ("/accounts", "/api/v1/ChatSession", "/metrics"):
            client.get(path, headers=headers)
    odd = [
        ("GET", f"/ai/sessions/{EMAIL}", {}),
        ("GET", f"/{C['path']}/{EMAIL}", {}),
        ("PATCH", f"/{C['path']}", {}),
        ("GET", f"/ai/sessions?accountId={C['query']}&sortField={C['query']}", {}),
        ("GET", f"/api/v1/ChatSession?$filter=CustomerEmail eq '{EMAIL}' {C['query']}", {}),
        ("GET", f"/auth/credentials?userName={C['person']}&password={C['wrong']}", {}),
        ("GET", "/accounts", {"Host": f"{C['host']}.example"}),
        ("GET", "/accounts", {"If-Match": C["header"], "X-Correlation-Id": C["header"]}),
        ("POST", "/ai/sessions", {"Idempotency-Key": C["key"] * 30, **JSON}),
        ("POST", "/ai/sessions", {"Traceparent": C["header"], "Accept": C["header"]}),
        ("GET", "/accounts", {"X-Forwarded-For": C["header"], "User-Agent": C["header"]}),
    ]  # fmt: skip
    for method, path, headers in odd:
        client.request(method, path, headers=headers)


def _faulty(admin: httpx.Client, served: ServiceProcess) -> None:
    """Calls to which the service has no answer but that it failed."""
    failed = []
    for table in ("chat_session_entity", "ai_session_info"):
        with _without(served, table):
            failed.append(admin.post("/api/v1/ChatSession", json=CHAT).status_code)
            failed.append(admin.get(f"/ai/sessions/{EMAIL}").status_code)
            failed.append(admin.get(f"/ai/sessions?accountId={C['query']}").status_code)
            failed.append(admin.post("/ai/sessions", json={"purpose": C["purpose"]}).status_code)
    assert any(status >= 500 for status in failed), failed


@contextmanager
def _without(served: ServiceProcess, table: str) -> Iterator[None]:
    """The database while a table lacks a column."""
    asyncio.run(_execute(served, f"ALTER TABLE {table} RENAME doc TO gone"))
    try:
        yield
    finally:
        asyncio.run(_execute(served, f"ALTER TABLE {table} RENAME gone TO doc"))


async def _execute(served: ServiceProcess, statement: str) -> None:
    owner = await asyncpg.connect(served.database_url)
    await owner.execute(statement)
    await owner.close()


def test_the_service_says_that_it_failed(served: ServiceProcess, asked: list[str]) -> None:
    assert "failed" in served.log
    assert "Traceback" in served.log


@pytest.mark.parametrize("name", CANARIES)
def test_no_canary_is_in_any_line(served: ServiceProcess, asked: list[str], name: str) -> None:
    sent = CANARIES[name]
    forms = (sent, base64.b64encode(sent.encode()).decode().rstrip("=")[:-2], sent.encode().hex())
    lines = (served.log + served.data + served.database_log).splitlines()
    assert [line for line in lines if any(each.lower() in line.lower() for each in forms)] == []


def test_no_secret_that_was_made_is_in_any_line(served: ServiceProcess, asked: list[str]) -> None:
    lines = (served.log + served.data + served.database_log).splitlines()
    assert len(asked) > 4
    assert [line for line in lines if any(secret in line for secret in asked)] == []
