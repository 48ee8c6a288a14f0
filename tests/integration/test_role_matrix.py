"""Every operation by every role: a refusal is a 403, one line of the security log, one count.

The matrix comes from the tables of operations, so that a new operation is in it by itself.
"""

import json
import logging
import re
from collections import Counter
from collections.abc import Iterator
from itertools import product

import asyncpg
import httpx
import pytest
from support.in_process import PASSWORD, running

from app.auth.principals import Forbidden, Principal
from app.auth.roles import ROLES
from app.http.operation import Operation
from app.main import all_faces
from app.maintenance import users
from app.maintenance.store import Connection
from app.settings import Settings
from app.telemetry.logs import SECURITY

DONE = {"signed_in", "signed_out", "token_issued", "token_revoked", "user_changed"}


def operations() -> Iterator[tuple[str, Operation, str, str]]:
    """Each operation that needs credentials, once: its face, itself, a verb and a path."""
    seen: set[tuple[str, str]] = set()
    for face in all_faces():
        for template, by_verb in face.routes.items():
            for verb, operation in by_verb.items():
                name = (face.name, operation.name)
                if not operation.is_anonymous and name not in seen:
                    seen.add(name)
                    yield face.name, operation, verb, re.sub(r"\{\w+\}", "1", template)


def is_refused(operation: Operation, role: str) -> bool:
    """What the table says."""
    try:
        operation.admit(Principal(role, (role,)))
    except Forbidden:
        return True
    return False


async def refusals(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> Counter[str]:
    """How often each role is refused in the whole matrix; each refusal has to be one line."""
    refused: Counter[str] = Counter()
    for (face, operation, verb, path), role in product(operations(), ROLES):
        body: dict[str, str] | None = None if verb == "GET" else {}
        caplog.clear()
        answer = await client.request(verb, path, auth=(role, PASSWORD), json=body)
        shown = (face, operation.name, role, answer.text[:300])
        # (Some operations have rules of their own: no customer picks a chat up.)
        is_403 = answer.status_code == 403
        assert is_403 or not is_refused(operation, role), shown
        events = [getattr(line, "fields", {})["event"] for line in caplog.records
                  if line.name == SECURITY]  # fmt: skip
        assert events.count("forbidden") == is_403, shown
        # (A body without its members is refused as such.)
        assert set(events) <= {"forbidden", "input_refused", *DONE}, shown
        refused[role] += is_403
    return +refused


async def counts(owner: asyncpg.Connection) -> Counter[str]:
    """What the events of each principal add up to."""
    rows = await owner.fetch(
        "SELECT convert_from(state, 'UTF8') AS state, p.doc ->> 'name' AS name"
        "  FROM stored_events AS e JOIN principal AS p ON p.stream_id = e.originator_id"
        " WHERE e.topic = 'principal.forbidden.v1'"
    )
    counted: Counter[str] = Counter()
    for row in rows:
        counted[row["name"]] += json.loads(row["state"])["count"]
    return counted


async def test_each_refusal_of_a_role_is_one_line_and_one_count(
    settings: Settings, owner: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    for role in ROLES:
        await users.add(Connection(owner), role, [role], PASSWORD)
    async with running(settings) as (client, service):
        with caplog.at_level(logging.INFO, SECURITY):
            refused = await refusals(client, caplog)
        await service.attempts.write()
        await owner.execute("UPDATE refusal SET written_at = written_at - interval '60 s'")
        await service.attempts.write()
    assert refused["Auditor"] > refused["SystemAdministrator"]
    assert await counts(owner) == refused


READS = {"ListAISessions", "GetAISession", "ListAccounts", "GetAccount"}


@pytest.mark.parametrize("role", ["Auditor", "Operator"])
def test_onlookers_may_read_all_sessions(role: str) -> None:
    reads = [
        operation
        for face, operation, verb, _ in operations()
        if operation.name in READS or (face == "superoffice" and verb == "GET")
    ]
    assert len(reads) > 2 * len(READS)
    assert [operation.name for operation in reads if is_refused(operation, role)] == []


OF_SESSIONS = ("/ai/sessions", "/api/v1/ChatSession", "/ops")
OF_PEOPLE = {
    *("FindPeople", "ExportPerson", "ErasePerson", "ErasePersonalData"),
    *("ShowErase", "ListErasures", "ListReceipts", "GetReceipt"),
}
"""What of auditors' operations is open to who protects data."""


def test_who_protects_data_opens_no_session_and_nothing_else_of_auditors() -> None:
    opened = [
        (face, operation.name, path)
        for face, operation, _, path in operations()
        if not is_refused(operation, "DataProtection")
    ]
    assert [each for each in opened if each[2].startswith(OF_SESSIONS)] == []
    assert {name for face, name, _ in opened if face == "audit"} == OF_PEOPLE
