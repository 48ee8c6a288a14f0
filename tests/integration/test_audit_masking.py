"""No value of a personal field leaves `/audit` unmasked, unless a reason for it is on record."""

from collections.abc import Iterator
from typing import Any, get_args

import asyncpg
import httpx
import msgspec
import pytest
from msgspec import Struct
from support import given
from support.audit import AUDITOR, FORMS, all_pages, auditing, told
from support.chats import NOON
from support.database import ONE_PARTITION

from app.commands.context import Generated
from app.history.masking import MASK, masked, personal_of
from app.history.names import fields_of
from app.service import Service
from app.settings import Settings
from domain.ai_session import ProposeAISessionAction
from domain.chat.carriers import Associate, Carrier, Contact, Person, Project, Sale
from domain.chat.enums import ChatMessageType
from domain.chat.fields import ChatSessionFields
from domain.chat.message import ChatMessage
from domain.chat.session import NewChatSession
from domain.chat.ticket import Ticket
from domain.event import kind_of
from domain.ids import AISessionId, ChatSessionId, chat_session_stream
from domain.stored import EVENTS
from projections.catalog import CURRENT

CANARY = "xcanary"
REASON = "personal=true&reason=Complaint+4711"
PERSONAL = sorted(personal_of("chat_session") & set(ChatSessionFields.__struct_fields__))
CARRIERS: dict[str, type[Carrier]] = {
    "user": Associate, "person": Person, "contact": Contact, "project": Project, "sale": Sale,
    "ticket": Ticket, "transfer_to": Associate,
}  # fmt: skip


def full(carrier: type[Carrier], mark: str) -> Carrier:
    """A carrier with a canary in each of its texts."""
    given: dict[str, Any] = {}
    for field in msgspec.structs.fields(carrier):
        kinds = get_args(field.type)
        if any("CarrierText" in str(kind) or kind is str for kind in kinds) or str(
            field.type
        ).startswith("typing.Union[typing.Annotated[str"):
            given[field.name] = f"{CANARY}-{mark}-{field.name}"
        elif "dict[" in str(field.type):
            text = f"{CANARY}-{mark}-{field.name}"
            given[field.name] = {f"{text}-name-{each}": f"{text}-{each}" for each in range(2)}
    assert given
    return carrier(**given)


def canaries() -> dict[str, Any]:
    """A value with canaries for each personal field of a chat session."""
    return {
        name: full(CARRIERS[name], name) if name in CARRIERS else f"{CANARY}-{name}"
        for name in PERSONAL
    }


async def sessions_with_canaries(service: Service) -> tuple[AISessionId, ChatSessionId]:
    """An AI session and a chat session that hold a canary wherever a person may be."""
    session = given.session_of(await given.open_ai_session(service, purpose=f"{CANARY}-purpose"))
    await service.commands.handle(
        ProposeAISessionAction(
            session_id=session,
            action_id="1",
            proposed_at=NOON,
            function_name="call",
            arguments=f"{CANARY}-arguments",
            description=f"{CANARY}-description",
        ),
        given.call(),
    )
    by = given.call()
    number = await service.chat.new_number(by)
    new = NewChatSession(chat_session_id=number, **canaries())
    drawn = Generated(("chat_session_id",), chat_session_stream(number))
    await service.commands.handle(new, by, drawn)
    message = ChatMessage(
        type=ChatMessageType.TO_USER,
        message=f"{CANARY}-message",
        author=f"{CANARY}-author",
        special_param=f"{CANARY}-special",
    )
    await service.chat.add_message(number, message, by)
    await service.chat.update(number, ChatSessionFields(customer_name=f"{CANARY}-other"), by)
    return session, number


def urls(session: str, number: int) -> Iterator[str]:
    """Everything that may show a personal value."""
    yield "/audit/events?changed=true&state=true"
    yield "/audit/feed?changed=true&state=true"
    yield "/audit/access?changed=true&state=true"
    for position in range(1, 7):
        yield f"/audit/events/0:{position}?changed=true&state=true"
    for name in (session, str(number)):
        yield f"/audit/sessions/{name}/history?state=true"
        yield f"/audit/sessions/{name}?asOf=1&changed=true"
        yield f"/audit/sessions/{name}/provenance"
        yield f"/audit/sessions/{name}/diff?from=1"
    yield f"/audit/sessions/{session}/provenance?field=purpose"
    yield f"/audit/sessions/{number}/provenance?field=customername"
    yield f"/audit/sessions/{number}/provenance?field=person"


@ONE_PARTITION
async def test_no_canary_is_shown_without_a_reason(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    async with auditing(settings, owner) as (client, service):
        session, number = await sessions_with_canaries(service)
        for url in urls(session, number):
            for form in FORMS:
                answer = await client.get(url, params={"format": form} | _query(url))
                assert answer.status_code == 200, answer.text
                assert CANARY not in answer.text, (url, form)
        assert MASK in (await client.get("/audit/events")).text
        stored = await owner.fetchval(
            "SELECT count(*) FROM stored_events WHERE topic = 'audit.viewed.v1'"
        )
        assert stored == 0


def _query(url: str) -> dict[str, str]:
    _, _, query = url.partition("?")
    return dict(pair.split("=") for pair in query.split("&") if pair)


@ONE_PARTITION
async def test_with_a_reason_all_is_shown_and_each_view_is_an_event_before_it(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    async with auditing(settings, owner) as (client, service):
        session, number = await sessions_with_canaries(service)
        shown = ""
        views = 0
        for url in urls(session, number):
            for form in FORMS:
                joint = "&" if "?" in url else "?"
                answer = await client.get(
                    f"{url}{joint}{REASON}&format={form}", headers={"X-Request-Id": f"r-{views}"}
                )
                assert answer.status_code == 200, answer.text
                shown += answer.text
                views += 1
        for text in _texts(canaries()):
            if "session_key" not in text:
                assert text in shown
        for name in ("purpose", "arguments", "description", "message", "author", "special"):
            assert f"{CANARY}-{name}" in shown
        assert f"{CANARY}-session_key" not in shown, "a secret stays one"
        events = await viewed(client)
        assert len(events) == views
        assert {event["data"]["reason"] for event in events} == {"Complaint 4711"}
        assert {event["metadata"]["requestId"] for event in events} == {
            f"r-{each}" for each in range(views)
        }
        assert all(event["actor"] == AUDITOR for event in events)
        assert all(event["data"]["scope"].startswith("/audit/") for event in events)
        assert CANARY not in str(events)


async def viewed(client: httpx.AsyncClient) -> list[Any]:
    found = []
    url: str | None = f"/audit/access?principal={AUDITOR}&limit=100"
    while url is not None:
        page = await told(client, url)
        found += [event for event in page["events"] if event["type"] == "audit.viewed.v1"]
        url = page["next"]
    return found


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Struct():
            for name in value.__struct_fields__:
                yield from _texts(getattr(value, name))
        case dict():
            for name, each in value.items():
                yield name
                yield from _texts(each)


@pytest.mark.parametrize("reason", [None, "", "%20", "x" * 501])
async def test_personal_data_takes_a_reason(
    settings: Settings, owner: asyncpg.Connection, reason: str | None
) -> None:
    async with auditing(settings, owner) as (client, service):
        session = given.session_of(await given.open_ai_session(service, purpose=CANARY))
        asked = "personal=true" + ("" if reason is None else f"&reason={reason}")
        for path in ("/audit/events", "/audit/feed", f"/audit/sessions/{session}/history"):
            answer = await client.get(f"{path}?{asked}")
            assert (answer.status_code, answer.json()["error"]["field"]) == (400, "reason")
            assert CANARY not in answer.text
        assert await viewed(client) == []


async def test_who_looked_at_a_session_is_found_however_it_was_named(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    async with auditing(settings, owner) as (client, service):
        sessions = [given.session_of(await given.open_ai_session(service)) for _ in range(2)]
        upper = str(sessions[0]).upper()
        for session in (*sessions, upper, sessions[1]):
            await told(client, f"/audit/sessions/{session}/history?{REASON}")
        for session in sessions:
            await told(client, f"/audit/events?session={session}&{REASON}")
        await told(client, f"/audit/events?{REASON}")
        found = await all_pages(client, f"/audit/sessions/{sessions[0]}/views?limit=2")
        assert [event["data"]["scope"] for event in found] == [
            f"/audit/events?session={sessions[0]}",
            f"/audit/sessions/{upper}/history",
            f"/audit/sessions/{sessions[0]}/history",
        ]
        page = await client.get(f"/audit/sessions/{sessions[0]}/views?limit=2&format=html")
        assert 'rel="next"' in page.text


async def test_the_scope_holds_filters_without_what_they_may_say_of_people(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    async with auditing(settings, owner) as (client, _):
        url = f"/audit/events?actor=kim@example.com&client=192.0.2.1&type=principal.added&{REASON}"
        headers = {"Idempotency-Key": "k", "If-Match": '"9"'}
        for _ in range(2):
            assert (await client.get(url, headers=headers)).status_code == 200
        first, second = await viewed(client)
        assert first["data"] == second["data"]
        assert first["data"]["scope"] == "/audit/events?actor=k•••&client=1•••&type=principal.added"


def test_what_is_masked_keeps_its_form() -> None:
    assert masked("Kim") == "K•••"
    assert masked("") == "•••"
    assert masked(None) is None
    associate = Associate(
        name="Kim", rank=7, deleted=None, extra_fields={"Kim": "a", "Karl": None, "Max": "b"}
    )
    assert masked(associate) == {
        "Name": "K•••",
        "Rank": "•••",
        "Deleted": None,
        "ExtraFields": {"K•••": "a•••", "K•••2": None, "M•••": "b•••"},
    }
    assert masked((associate.name, ["a", None])) == ["K•••", ["a•••", None]]


def test_personal_fields_of_states_are_those_of_their_events() -> None:
    for kind, view in CURRENT.items():
        declared = {
            name
            for topic, event in EVENTS.items()
            if kind_of(topic) == kind
            for name in event.personal
        }
        assert personal_of(kind) == declared
        for field in msgspec.structs.fields(view.state):
            holds = [each for each in get_args(field.type) if isinstance(each, type)]
            if any(issubclass(each, Carrier) for each in holds):
                assert field.name in declared, "a carrier may name anybody"
        assert set(fields_of(kind)) == set(view.state.__struct_fields__)
