"""What the log keeps of the request that an event came by, and what is sealed of it."""

import json
from collections.abc import Mapping
from typing import Any

import asyncpg
import pytest
from support import given
from support.erasures import CANARY, chatted, erased, everything, opened
from support.histories import catch_up, follower
from support.in_process import calling

from app.history.one_event import Parts
from app.history.search import EventQuery, find
from app.history.sessions import history, session_named
from app.history.terms import Terms
from app.log.facts import ERASED, UNREADABLE
from app.service import Service
from app.settings import Settings
from domain.account import NewAccount
from domain.event import Subject
from domain.ids import AccountId, AISessionId

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SENT = {
    "X-Request-Id": "r-canary",
    "X-Correlation-Id": "c-canary",
    "X-Causation-Id": "m-canary",
    "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01",
    "Idempotency-Key": "k1",
}
PERSONAL = ("client", "requestId", "correlationId", "causationId")


async def metadata_of(service: Service, session_id: str) -> list[Mapping[str, Any]]:
    """What the events of a session show of the calls that they came by."""
    session = await session_named(service.reader, session_id)
    shown = history(service.reader, session.stream, parts=Parts(clear=False))
    return [json.loads(bytes(event.metadata)) async for event in shown]


@pytest.mark.usefixtures("people")
async def test_an_event_says_which_request_it_came_by(
    settings: Settings, owner: asyncpg.Connection, service: Service
) -> None:
    async with calling(settings) as client:
        made = await client.post("/ai/sessions", json={"purpose": "triage"}, headers=SENT)
        assert made.status_code == 200, made.text
        other = await client.post("/ai/sessions", json={}, headers={"traceparent": "no trace"})
    (first,) = await metadata_of(service, made.json()["id"])
    (second,) = await metadata_of(service, other.json()["id"])
    assert {name: first[name] for name in first.keys() - {"roles", "auth"}} == {
        "face": "evo",
        "operation": "NewAISession",
        "client": "127.0.0.1",
        "requestId": "r-canary",
        "correlationId": "c-canary",
        "causationId": "m-canary",
        "traceId": TRACE,
        "idempotencyKey": "k1",
    }
    assert second["requestId"] == other.headers["X-Request-Id"]
    assert "traceId" not in second
    text = await everything(owner)
    assert "-canary" not in text
    assert "127.0.0.1" not in text
    assert second["requestId"] in text  # the service's own says nothing of the caller


@pytest.mark.parametrize("subject", ["customer", "agent"])
async def test_who_called_is_erased_with_the_data_of_either(
    service: Service, owner: asyncpg.Connection, subject: Subject
) -> None:
    chat = await chatted(service)
    for known in await metadata_of(service, chat):
        assert [known[name].startswith(CANARY) for name in PERSONAL] == [True] * 4
    await erased(service, chat, subject)
    for gone in await metadata_of(service, chat):  # the erasure's own call among them
        assert [gone[name] for name in PERSONAL] == [ERASED] * 4
        assert gone["roles"] == ["SystemAdministrator"]
    assert f"{CANARY}-" not in await everything(owner)


async def test_no_call_after_an_erasure_is_kept(
    service: Service, owner: asyncpg.Connection
) -> None:
    session = given.session_of(await given.open_ai_session(service, canary=CANARY))
    await erased(service, session)
    await given.delete_ai_session(service, session, given.call(canary=CANARY))
    assert (await metadata_of(service, session))[-1]["client"] == ERASED
    assert CANARY not in await everything(owner)


async def found(service: Service, **wanted: Any) -> set[str]:
    """The sessions whose events are found."""
    page = await find(service.log, EventQuery(**wanted))
    return {str(event.stream) for event in page.events}


@pytest.mark.parametrize("is_behind", [False, True], ids=["followed", "read before"])
async def test_who_called_is_not_found_any_more(
    service: Service, owner: asyncpg.Connection, is_behind: bool
) -> None:
    session, stays = await opened(service), await opened(service)
    behind = follower(service)
    if is_behind:
        assert await behind.round()
        await given.patch_ai_session(
            service, AISessionId(session), "more", given.call(canary=CANARY)
        )
    else:
        await catch_up(service)
    await erased(service, session)
    while await behind.round():
        pass
    for wanted in ({"client": f"{CANARY}-address"}, {"request": f"{CANARY}-request"}):
        assert await found(service, **wanted) == {stays}
    assert await found(service, actor="kim") == {session, stays}
    await erased(service, stays)
    while await behind.round():
        pass
    await behind.stop()
    hashed = Terms(service.log.fingerprint)
    left = [
        hashed.term("client", f"{CANARY}-address"),
        hashed.term("request", f"{CANARY}-request"),
    ]
    for table in ("event_index", "term_to_forget"):
        assert await owner.fetch(f"SELECT * FROM {table} WHERE term = ANY ($1)", left) == []


async def test_without_the_key_it_is_unreadable(
    service: Service, owner: asyncpg.Connection
) -> None:
    session = given.session_of(await given.open_ai_session(service, canary=CANARY))
    await owner.execute("DELETE FROM stream_key")
    (known,) = await metadata_of(service, session)
    assert [known[name] for name in PERSONAL] == [UNREADABLE] * 4


async def test_a_stream_without_personal_fields_seals_it_too(
    service: Service, owner: asyncpg.Connection
) -> None:
    new = NewAccount(account_id=AccountId("a1"), name="Acme")
    await service.commands.handle(new, given.call(canary=CANARY))
    (known,) = await metadata_of(service, "account:a1")
    assert known["client"] == f"{CANARY}-address"
    assert CANARY not in await everything(owner)
