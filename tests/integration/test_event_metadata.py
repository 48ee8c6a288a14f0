"""What the log keeps of the request that an event came by."""

import json

import asyncpg
import pytest
from support.in_process import calling

from app.settings import Settings

pytestmark = pytest.mark.usefixtures("people")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


async def test_an_event_says_which_request_it_came_by(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    sent = {
        "X-Request-Id": "r1",
        "X-Correlation-Id": "c1",
        "X-Causation-Id": "m1",
        "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01",
        "Idempotency-Key": "k1",
    }
    async with calling(settings) as client:
        made = await client.post("/ai/sessions", json={"purpose": "triage"}, headers=sent)
        assert made.status_code == 200, made.text
        other = await client.post("/ai/sessions", json={}, headers={"traceparent": "no trace"})
    rows = await owner.fetch(
        "SELECT metadata FROM stored_events WHERE topic LIKE 'ai_session.%'"
        " ORDER BY notification_id"
    )
    first, second = (json.loads(row["metadata"]) for row in rows)
    assert {name: first[name] for name in first.keys() - {"roles", "client", "auth"}} == {
        "face": "evo",
        "operation": "NewAISession",
        "requestId": "r1",
        "correlationId": "c1",
        "causationId": "m1",
        "traceId": TRACE,
        "idempotencyKey": "k1",
    }
    assert second["requestId"] == other.headers["X-Request-Id"]
    assert "traceId" not in second
