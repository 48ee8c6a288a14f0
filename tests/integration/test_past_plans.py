"""Past states and lists are read by indexes, however many versions there are."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace
from support.chat_lists import ASKER, Pairs
from support.deep import deepen_ai
from support.deep_reads import DEEP, Statements, aggregates, stream_of
from support.histories import catch_up

from app.database.session import SESSION
from app.faces.superoffice.lists.chat_list import chat_sessions_page
from app.faces.superoffice.lists.query import read_query
from app.queries import past
from app.queries.paging import Order, Page, compiled
from app.queries.tables import AI_SESSIONS, CHAT_SESSIONS
from app.service import Service
from domain.ids import AISessionId

BULK = """
INSERT INTO chat_session_entity_history
       (partition, stream_id, version, position, until,
        created_by, created_at, modified_by, modified_at, doc, search)
SELECT 0, md5(n::text)::uuid, v, n + (v - 1) * 5000,
       CASE v WHEN 4 THEN 9223372036854775807 ELSE n + v * 5000 END,
       'kim', now(), 'kim', now(),
       jsonb_build_object(
           'chat_session_id', n,
           'status', CASE WHEN n % 1000 = 0 THEN 'Faq' WHEN n % 2 = 0 THEN 'Closed'
                          ELSE 'Finished' END,
           'person', jsonb_build_object('PersonId', n % 2000),
           'contact', jsonb_build_object('ContactId', n % 2000)),
       jsonb_build_object('when_requested', n::bigint * 10000000)
  FROM generate_series(1, 5000) AS n, generate_series(1, 4) AS v;
INSERT INTO ai_session_info_history
       (partition, stream_id, version, position, until,
        created_by, created_at, modified_by, modified_at, doc)
SELECT 0, md5(n::text)::uuid, v, n + (v - 1) * 5000,
       CASE v WHEN 4 THEN 9223372036854775807 ELSE n + v * 5000 END,
       'kim', now() + n * INTERVAL '1 second', 'kim', now(),
       jsonb_build_object('account_id', 'a' || n % 100, 'purpose', 'triage')
  FROM generate_series(1, 5000) AS n, generate_series(1, 4) AS v;
"""
CUT = (12_000,)
REQUESTED = "COALESCE(when_requested, (0)::bigint)"
A7 = AI_SESSIONS.columns["account_id"] == "a7"


@pytest.mark.parametrize("version", [2, DEEP // 2, DEEP + 1])
@pytest.mark.parametrize("share", [0, 1], ids=["not followed", "followed"])
async def test_a_deep_stream_is_what_it_was_at_a_position(
    service: Service, owner: asyncpg.Connection, session: AISessionId, version: int, share: int
) -> None:
    stream = stream_of(session)
    await deepen_ai(owner, stream, DEEP)
    if share:
        await catch_up(service)
    position = await owner.fetchval(
        "SELECT notification_id FROM stored_events WHERE originator_id = $1"
        " AND originator_version = $2", stream, version,
    )  # fmt: skip
    found = await aggregates(service).at("ai_session", stream, position)
    assert found is not None
    assert (found.version, found.state.purpose) == (version, f"at {version}")
    first = await owner.fetchval("SELECT min(notification_id) FROM stored_events")
    assert await aggregates(service).at("ai_session", stream, first - 1) is None


async def test_a_deep_past_state_comes_from_its_history(
    service: Service, other_service: Service, owner: asyncpg.Connection, session: AISessionId,
    watch: Callable[[Service], Statements],
) -> None:  # fmt: skip
    stream = stream_of(session)
    await deepen_ai(owner, stream, DEEP)
    await catch_up(service)
    watched = watch(other_service)
    for back in (10, DEEP // 2, DEEP - 10):
        assert await aggregates(other_service).as_of("ai_session", stream, DEEP - back)
    assert watched.count <= 3 * 3
    assert watched.rows <= 2


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ([], "chat_session_id, position"),
        ([("$filter", "chatSessionId gt 500")], "chat_session_id, position"),
        ([("$orderby", "whenRequested desc")], f"{REQUESTED}, chat_session_id, position"),
        (
            [("$filter", "status eq 2"), ("$orderby", "whenRequested desc")],
            f"status, {REQUESTED}, chat_session_id, position",
        ),
    ],
    ids=["all", "by number", "newest", "of a rare status"],
)
async def test_past_lists_in_the_order_of_an_index_are_read_from_it(
    owner: asyncpg.Connection, query: Pairs, index: str
) -> None:
    page = chat_sessions_page(read_query(query), ASKER)
    plain = compiled(CHAT_SESSIONS, page)
    plan = await planned(owner, *past.as_of(CUT, CHAT_SESSIONS.views, *plain))
    (read,) = [node["Plans"][0] for node in plan if node["Node Type"] == "Limit"]
    assert await columns(owner, read.get("Index Name")) == index
    assert '"position" <=' in read["Index Cond"]


@pytest.mark.parametrize("column", ["person", "contact"])
async def test_past_sessions_of_a_person_or_a_company_are_found_by_an_index(
    owner: asyncpg.Connection, column: str
) -> None:
    query = [("$filter", f"{column}Id eq 7"), ("$orderby", "whenRequested desc")]
    page = chat_sessions_page(read_query(query), ASKER)
    plain = compiled(CHAT_SESSIONS, page)
    plan = await planned(owner, *past.as_of(CUT, CHAT_SESSIONS.views, *plain))
    indexes = [node["Index Name"] for node in plan if "Index Name" in node]
    assert indexes == [f"chat_session_entity_history_{column}_id_position_idx"]


@pytest.mark.parametrize(
    ("page", "index"),
    [
        (
            Page(order=[Order(AI_SESSIONS.columns["created_at"])], limit=25),
            "created_at, stream_id, position",
        ),
        (
            Page(order=[Order(AI_SESSIONS.columns["created_at"], True)], limit=25, filters=[A7]),
            "account_id, created_at, stream_id, position",
        ),
    ],
    ids=["all", "of an account"],
)
async def test_past_ai_sessions_are_read_in_the_order_of_their_creation(
    owner: asyncpg.Connection, page: Page, index: str
) -> None:
    plain = compiled(AI_SESSIONS, replace(page, counted=False))
    plan = await planned(owner, *past.as_of(CUT, AI_SESSIONS.views, *plain))
    (read,) = [node["Plans"][0] for node in plan if node["Node Type"] == "Limit"][:1]
    assert await columns(owner, read.get("Index Name")) == index


@pytest.mark.parametrize(("filters", "rows"), [([], 5_000), ([A7], 50)], ids=["all", "an account"])
async def test_past_sessions_are_counted_in_an_index_alone(
    owner: asyncpg.Connection, filters: Sequence[Any], rows: int
) -> None:
    counting = past.count(AI_SESSIONS, filters, CUT)
    plan = await planned(owner, counting[0], counting[1:])
    (read,) = [node for node in plan if "Index Name" in node]
    assert read["Node Type"] == "Index Only Scan"
    assert read["Index Name"].startswith("ai_session_info_history_account_id_position")
    assert await owner.fetchval(*counting) == rows


async def columns(owner: asyncpg.Connection, index: str | None) -> str:
    """The columns of an index; PostgreSQL shortens long names of indexes."""
    definition = await owner.fetchval("SELECT pg_get_indexdef($1::text::regclass)", index)
    return (
        str(definition)
        .replace('"', "")
        .partition(" btree (")[2]
        .partition(") WHERE")[0]
        .removesuffix(")")
    )


async def planned(
    owner: asyncpg.Connection, sql: str, arguments: Sequence[object]
) -> list[dict[str, Any]]:
    """How the service has a statement done on many versions, from the top of the plan."""
    await owner.execute(BULK)
    for view in ("chat_session_entity", "ai_session_info"):
        await owner.execute(f"VACUUM ANALYZE {view}_history")
    for name, value in {**SESSION, "plan_cache_mode": "force_generic_plan"}.items():
        await owner.execute(f"SET {name} = '{value}'")
    await owner.execute(f"PREPARE page AS {sql}")
    literals = ", ".join(map(literal, arguments))
    plan = json.loads(await owner.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE page ({literals})"))
    return nodes(plan[0]["Plan"])


def literal(argument: object) -> str:
    if isinstance(argument, list):
        return f"'{{{','.join(map(str, argument))}}}'"
    return f"'{argument}'"


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Of a plan, from the top."""
    return [plan, *(node for child in plan.get("Plans", []) for node in nodes(child))]
