"""People are found by address, number and name, in all sessions that ever held them."""

import json
from typing import Any

import asyncpg
import pytest
from support import given
from support.database import SEVERAL
from support.people import chat_of, follow, say

from app.codecs.json_text import BadInput
from app.erasure.people import held_on
from app.erasure.search import SQL, Person, require_sense, streams_of
from app.followers.reset import reset
from app.history.followed import NotYet
from app.history.terms import Terms
from app.maintenance.store import Connection
from app.service import Service
from domain.chat.carriers import Associate
from domain.chat.carriers import Person as PersonCarrier
from domain.chat.session import DeleteChatSession, UpdateChatSession
from domain.ids import ChatSessionId, StreamId

PARTITIONS = pytest.mark.parametrize("partitions", [1, SEVERAL], ids=["one", "several"])
KIM = Person(email="Kim@Example.com")


async def found(service: Service, **by: str) -> set[StreamId]:
    hashed = Terms(service.log.fingerprint)
    return set(await streams_of(service.reader, hashed, Person(**by), most=100, wait_s=0.0))


async def number_of(service: Service, stream: StreamId) -> ChatSessionId:
    return ChatSessionId(int((await service.reader.identity(stream)).session_id))


async def people(service: Service) -> dict[str, StreamId]:
    """Sessions by what they hold of Kim, and one of somebody else."""
    reader = service.reader
    customer = await chat_of(
        service, customer_email="kim@example.com", customer_name="Kim  Larsen",
        customer_phone="+47 (225) 18-000",
    )  # fmt: skip
    carrier = await chat_of(
        service, person=PersonCarrier(email="KIM@EXAMPLE.COM", firstname="Kim", lastname="Larsen")
    )
    said = await chat_of(service, customer_name="K")
    await say(service, reader, said, "Write to me (kim@example.com), or call 0047 225 18 000!")
    agent = await chat_of(service, user=Associate(associate_id=9, full_name="KIM LARSEN"))
    was = await chat_of(service, customer_email="kim@example.com")
    number = await number_of(service, was)
    await service.commands.handle(UpdateChatSession(chat_session_id=number), given.call())
    gone = await chat_of(service, customer_email="kim@example.com")
    number = await number_of(service, gone)
    await service.commands.handle(DeleteChatSession(chat_session_id=number), given.call())
    opened = await given.open_ai_session(service, purpose="Kim <kim@example.com> is unhappy")
    other = await chat_of(service, customer_email="kim@example.com.au", customer_name="Kim")
    return {
        "customer": customer, "carrier": carrier, "said": said, "agent": agent, "was": was,
        "gone": gone, "ai": opened.folded.stream, "other": other,
    }  # fmt: skip


BY: dict[str, tuple[dict[str, str], set[str]]] = {
    "address": ({"email": "Kim@Example.COM"}, {"customer", "carrier", "said", "was", "gone", "ai"}),
    "number": ({"phone": "+47 225 18 000"}, {"customer", "said"}),
    "name": ({"name": "kim larsen"}, {"customer", "carrier", "agent"}),
    "address and name": (
        {"email": "kim@example.com", "name": "Kim Larsen"}, {"customer", "carrier"},
    ),
    "all three": (
        {"email": "kim@example.com", "name": "Kim Larsen", "phone": "4722518000"}, {"customer"},
    ),
    "nobody": ({"email": "nobody@example.com"}, set()),
}  # fmt: skip


@PARTITIONS
async def test_whatever_held_a_person_is_found(service: Service, store: Connection) -> None:
    sessions = await people(service)
    expected = {name: {sessions[each] for each in held} for name, (_, held) in BY.items()}
    before = {name: await found(service, **by) for name, (by, _) in BY.items()}
    assert before == expected  # none of it is in the index yet
    await follow(service)
    assert {name: await found(service, **by) for name, (by, _) in BY.items()} == expected
    await reset(store, "people")
    await follow(service)
    assert {name: await found(service, **by) for name, (by, _) in BY.items()} == expected


async def test_the_index_holds_nothing_in_the_clear(
    service: Service, owner: asyncpg.Connection
) -> None:
    await people(service)
    await follow(service)
    rows = await owner.fetch("SELECT t::text AS row FROM person_term AS t")
    assert len(rows) > 10
    assert not any("kim" in row["row"].lower() for row in rows)


async def test_a_page_follows_another_and_the_newest_is_first(service: Service) -> None:
    streams = [await chat_of(service, customer_email="kim@example.com") for _ in range(7)]
    streams.reverse()
    for ready in (False, True):
        if ready:
            await follow(service)
        log, reader, shown, after = service.log, service.reader, [], None
        while True:
            page = await held_on(log, reader, KIM, after=after, most=3, clear=False)
            shown += [int(each.session_id) for each in page.sessions]
            if page.next is None:
                break
            after = StreamId(streams[len(shown) - 1])
            assert page.next == str(after)
        assert shown == [await number_of(service, stream) for stream in streams]


async def test_what_is_held_is_masked_unless_it_is_to_be_clear(service: Service) -> None:
    sessions = await people(service)
    page = await held_on(service.log, service.reader, KIM, most=50, clear=False)
    assert len(page.sessions) == 6
    assert "kim" not in json.dumps([each.holds for each in page.sessions]).lower()
    clear = await held_on(service.log, service.reader, KIM, most=50, clear=True)
    by_id = {each.session_id: each for each in clear.sessions}
    held = by_id[str(await number_of(service, sessions["customer"]))]
    assert held.holds == {
        "CustomerName": "Kim  Larsen", "CustomerEmail": "kim@example.com",
        "CustomerPhone": "+47 (225) 18-000",
    }  # fmt: skip
    assert (held.state, held.events, held.kind) == ("open", 1, "chat_session")
    gone = by_id[str(await number_of(service, sessions["gone"]))]
    assert (gone.state, gone.events) == ("deleted", 2)
    assert by_id[str(sessions["ai"])].holds == {"purpose": "Kim <kim@example.com> is unhappy"}


async def test_a_user_of_that_name_is_told_as_kept(service: Service, token: str) -> None:
    page = await held_on(service.log, service.reader, Person(name="kim"), most=50, clear=False)
    assert [(user.name, "not erased" in user.kept) for user in page.users] == [("kim", True)]


async def test_too_long_a_tail_is_not_searched(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.erasure.search.MAX_EVENTS", 3)
    await people(service)
    with pytest.raises(NotYet):
        await found(service, email="kim@example.com")


@pytest.mark.parametrize(
    "by",
    [{}, {"email": "max"}, {"email": ""}, {"phone": "12345"}, {"phone": "1" * 21}, {"name": " "},
     {"name": "k" * 300}],
    ids=str,
)  # fmt: skip
def test_what_finds_nobody_is_refused_without_being_repeated(by: dict[str, str]) -> None:
    with pytest.raises(BadInput) as refused:
        require_sense(Person(**by))
    assert not any(value.strip() and value in str(refused.value) for value in by.values())


async def test_the_plan_reads_a_page_of_the_index_among_100_000_rows(
    service: Service, owner: asyncpg.Connection
) -> None:
    stream = await chat_of(service, customer_email="kim@example.com", customer_name="Kim")
    await follow(service)
    await owner.execute(
        "INSERT INTO person_term SELECT 0, hashint8extended(n, 0), gen_random_uuid()"
        " FROM generate_series(1, 100000) AS n"
    )
    await owner.execute("ANALYZE person_term")
    terms = Person(email="kim@example.com", name="Kim").terms(Terms(service.log.fingerprint))
    sql = f"EXPLAIN (ANALYZE, FORMAT JSON) {SQL['found']}"
    plan = json.loads(await owner.fetchval(sql, terms, None, 51))
    assert set(scans(plan)) <= {"Index Only Scan", "Index Scan"}
    assert plan[0]["Execution Time"] < 50
    assert await found(service, email="kim@example.com", name="Kim") == {stream}


def scans(node: Any) -> list[str]:
    """How a plan reads the terms."""
    if isinstance(node, list):
        return [scan for each in node for scan in scans(each)]
    if not isinstance(node, dict):
        return []
    own = [node["Node Type"]] if node.get("Relation Name") == "person_term" else []
    return own + [scan for each in node.values() for scan in scans(each)]
