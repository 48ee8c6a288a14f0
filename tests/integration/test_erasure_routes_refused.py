"""Requests for erasures, receipts and people with what is wrong: a 4xx, and nothing is erased."""

import json
from uuid import uuid4

import asyncpg
import httpx
import pytest
from support.erasures import CANARY
from support.held import HUGE, LONG, Held, holding, intact
from support.in_process import running

from app.auth.roles import ADMIN, DATA_PROTECTION, ROLES
from app.maintenance import users
from app.maintenance.store import Connection
from app.service import Service
from app.settings import Settings

BECAUSE: dict[str, object] = {"reason": "because"}
BODIES: dict[str, tuple[int, bytes]] = {
    "nothing": (400, b""),
    "no object": (400, b"[]"),
    "null": (400, b"null"),
    "no JSON": (400, b"{"),
    "no text": (400, b"\xff\xfe"),
    "no reason": (400, b"{}"),
    "null reason": (400, b'{"reason": null}'),
    "empty reason": (400, b'{"reason": ""}'),
    "white reason": (400, b'{"reason": " \\n\\u2028"}'),
    "long reason": (400, json.dumps({"reason": LONG}).encode()),
    "NUL": (400, b'{"reason": "a\\u0000b"}'),
    "half a sign": (400, b'{"reason": "\\ud800"}'),
    "a number": (400, b'{"reason": 1}'),
    "an address": (400, b'{"reason": "kim@example.com"}'),
    "twice": (400, b'{"reason": "a", "reason": "b"}'),
    "unknown member": (400, json.dumps(BECAUSE | {"force": True}).encode()),
    "unknown subject": (400, json.dumps(BECAUSE | {"subjects": ["nobody"]}).encode()),
    "no subject": (400, json.dumps(BECAUSE | {"subjects": []}).encode()),
    "many subjects": (400, json.dumps(BECAUSE | {"subjects": ["agent"] * 3}).encode()),
    "no list": (400, json.dumps(BECAUSE | {"subjects": "agent"}).encode()),
    "unknown approver": (400, json.dumps(BECAUSE | {"approvedBy": "nobody"}).encode()),
    "own approver": (400, json.dumps(BECAUSE | {"approvedBy": "DataProtection"}).encode()),
    "approver without the role": (400, json.dumps(BECAUSE | {"approvedBy": "Auditor"}).encode()),
    "NUL approver": (400, json.dumps(BECAUSE | {"approvedBy": "\0"}).encode()),
    "long approver": (400, json.dumps(BECAUSE | {"approvedBy": HUGE}).encode()),
    "deep": (400, b"[" * 100_000),
}
IDS = (
    "nobody", str(uuid4()), "99999999", "-1", "0", HUGE, "1e3", "%D9%A1", "%00", "%ff", "%0a",
    "principal:nobody", "account:nobody", "hold:nobody", "audit:nobody", "..%2f..", "%20",
)  # fmt: skip
OTHER_KINDS = ("account:a1", "principal:Auditor", "hold:{held}")
PERSONS: tuple[dict[str, object], ...] = (
    {}, {"email": None}, {"email": ""}, {"email": "kim"}, {"email": 1}, {"email": f"{LONG}@b.c"},
    {"email": "\0@b.c"}, {"email": "a@b.c", "phone": "1"}, {"email": ["a@b.c"]},
)  # fmt: skip
PATHS = (
    "people?email=", "people?email=kim", "people?phone=1", "people?name=", f"people?email={HUGE}",
    "people?email=a@b.c&after=nobody", "people?email=a@b.c&limit=0", "people?email=%00@b",
    "people?email=a@b.c&limit=9999", "people?email=a@b.c&email=b@b.c", "people?mail=a@b.c",
    "people/export?email=a@b.c", "people/export?email=a@b.c&personal=true",
    "people/export?email=a@b.c&personal=true&reason=", "people/export?personal=true&reason=x",
    f"people/export?email=a@b.c&personal=true&reason={LONG}", "people/export?email=%ff@b",
    "people/export?email=a@b.c&personal=true&reason=%00", "people/erasures?limit=x",
    "receipts?before=nobody", f"receipts?before={HUGE}", "receipts?limit=-1", "receipts?x=1",
    "people/erase?email=kim", "people/erase?person=a@b.c",
)  # fmt: skip
ABSENT = (
    f"receipts/{uuid4()}", "receipts/nobody", f"receipts/{HUGE}", "receipts/%00", "receipts/%ff",
    f"people/erasures?id={uuid4()}", "people/erasures?id=nobody",
)  # fmt: skip


@pytest.fixture
async def held(service: Service) -> Held:
    return await holding(service)


async def tokens_of(owner: asyncpg.Connection) -> dict[str, str]:
    """By role, the token of a user who has it alone, and its name."""
    store = Connection(owner)
    for role in ROLES:
        await users.add(store, role, [role], None)
    return {role: await users.give_token(store, role) for role in ROLES}


async def test_requests_are_refused_and_erase_nothing(
    settings: Settings, held: Held, owner: asyncpg.Connection, database_url: str
) -> None:
    tokens = await tokens_of(owner)
    async with running(settings) as (client, _):
        client.headers["authorization"] = f"Bearer {tokens[DATA_PROTECTION]}"
        personal = f"/audit/sessions/{held.session}/personal-data"
        for what, (status, body) in BODIES.items():
            await refused(client, what, status, "DELETE", personal, body)
        why = json.dumps(BECAUSE).encode()
        for name in IDS:
            path = f"/audit/sessions/{name}/personal-data"
            await refused(client, name, 404, "DELETE", path, why)
        for name in OTHER_KINDS:
            path = f"/audit/sessions/{name.format(held=held.held)}/personal-data"
            await refused(client, name, 400, "DELETE", path, why)
        on_hold = f"/audit/sessions/{held.held}/personal-data"
        assert "a lawsuit" in await refused(client, "held", 409, "DELETE", on_hold, why)
        await refused(client, "query", 400, "DELETE", f"{personal}?force=true", why)
        for verb in ("GET", "POST", "PUT", "PATCH"):
            await refused(client, verb, 405, verb, personal, why)
        for asked in PERSONS:
            body = json.dumps(BECAUSE | asked).encode()
            await refused(client, str(asked), 400, "POST", "/audit/people/erase", body)
        for path in PATHS:
            await refused(client, path, 400, "GET", f"/audit/{path}")
        for path in ABSENT:
            await refused(client, path, 404, "GET", f"/audit/{path}")
        for role in set(ROLES) - {ADMIN, DATA_PROTECTION}:  # (Admin passes every check)
            client.headers["authorization"] = f"Bearer {tokens[role]}"
            await refused(client, role, 403, "DELETE", personal, why)
            await refused(client, role, 403, "POST", "/audit/people/erase", why)
        del client.headers["authorization"]
        await refused(client, "nobody", 401, "DELETE", personal, why)
    await intact(database_url, held)


async def refused(
    client: httpx.AsyncClient, what: str, status: int, verb: str, path: str, body: bytes = b""
) -> str:
    """What a refusal says."""
    answer = await client.request(verb, path, content=body)
    about = (what, answer.status_code, answer.text[:300])
    assert answer.status_code == status, about
    said: str = answer.json()["error"]["message"]
    assert len(said) > 10, about
    assert CANARY not in said, about
    assert len(said) < len(HUGE), about
    return said
