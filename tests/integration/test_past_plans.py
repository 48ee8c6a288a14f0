"""Past states and lists are read by indexes, however many versions there are."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import asyncpg
import pytest
from support.chat_lists import ASKER
from support.deep import deepen_ai
from support.deep_reads import DEEP, Statements, aggregates, stream_of
from support.histories import catch_up

from app.database.session import SESSION
from app.faces.superoffice.lists.chat_list import chat_sessions_page
from app.faces.superoffice.lists.query import read_query
from app.history.moments import Cut
from app.queries import past
from app.queries.page import Order, Page
from app.queries.paging import compiled_as_of
from app.queries.tables import AI_SESSIONS, CHAT_SESSIONS, ListTable
from app.service import Service
from domain.ids import AISessionId

BULK = """
CREATE TABLE version AS
SELECT n, v, n + (v - 1) * 5000 AS position,
       CASE v WHEN 4 THEN 9223372036854775807 ELSE n + v * 5000 END AS until,
       CASE WHEN n % 2 = 0 THEN 'Closed' ELSE 'Finished' END AS status
  FROM generate_series(1, 5000) AS n, generate_series(1, 4) AS v
 UNION ALL
-- Each of these soon leaves the queue.
SELECT 5000 + n, v, 2 * n + v, CASE v WHEN 2 THEN 9223372036854775807 ELSE 2 * n + 12 END,
       CASE v WHEN 1 THEN 'InQueue' ELSE 'Closed' END
  FROM generate_series(1, 5000) AS n, generate_series(1, 2) AS v;
INSERT INTO chat_session_entity_history
       (partition, stream_id, version, position, until,
        created_by, created_at, modified_by, modified_at, doc, search)
SELECT 0, md5(n::text)::uuid, v, position, until, 'kim', now(), 'kim', now(),
       jsonb_build_object(
           'chat_session_id', n,
           'status', status,
           'user', jsonb_build_object('AssociateId', n % 10),
           'person', jsonb_build_object('PersonId', n % 2000),
           'contact', jsonb_build_object('ContactId', n % 2000)),
       jsonb_build_object('when_requested', n::bigint * 10000000)
  FROM version;
INSERT INTO ai_session_info_history
       (partition, stream_id, version, position, until,
        created_by, created_at, modified_by, modified_at, doc)
SELECT 0, md5(n::text)::uuid, v, position, until,
       'kim', TIMESTAMPTZ '2026-01-01Z' + n * INTERVAL '1 second', 'kim', now(),
       jsonb_build_object('account_id', 'a' || n % 100, 'purpose', 'triage')
  FROM version
 WHERE n <= 5000;
INSERT INTO history_reach
SELECT 0, segment, TIMESTAMPTZ '2026-01-01Z' + (segment + 1) * INTERVAL '512 seconds', 10000,
       10000 * 10000000::bigint
  FROM generate_series(0, 50) AS segment;
"""
CUTS: dict[str, Cut] = {"old": (4_000,), "middle": (12_000,), "recent": (19_000,)}
REQUESTED = "COALESCE(when_requested, (0)::bigint)"
CREATED = "created_at, stream_id, position, until"
PASSING = "lasted, partition, position, until"
A7 = AI_SESSIONS.columns["account_id"] == "a7"
Asked = tuple[ListTable, Page]
"""A list, and a page of it."""


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


CHATS = "chat_session_entity_history"
BY_NUMBER = "chat_session_id, position, until"
BY_TIME = f"{REQUESTED}, {BY_NUMBER}"
LATEST = ("$orderby", "whenRequested desc")
SKIPPED = 1_000


def chats(*pairs: tuple[str, str]) -> Asked:
    return CHAT_SESSIONS, chat_sessions_page(read_query([("$top", "50"), *pairs]), ASKER)


def ai_sessions(**page: Any) -> Asked:
    return AI_SESSIONS, Page(limit=25, **page)


OLDEST, NEWEST = (
    [Order(AI_SESSIONS.columns["created_at"])],
    [Order(AI_SESSIONS.columns["created_at"], True)],
)
LISTS: dict[str, tuple[Asked, str]] = {
    "all": (chats(), BY_NUMBER),
    "by number": (chats(("$filter", "chatSessionId gt 500")), BY_NUMBER),
    "the last ones first": (chats(("$orderby", "chatSessionId desc")), BY_NUMBER),
    "newest": (chats(LATEST), BY_TIME),
    "newest, behind others": (chats(LATEST, ("$skip", str(SKIPPED))), BY_TIME),
    "of a frequent status": (chats(("$filter", "status eq 9"), LATEST), f"status, {BY_TIME}"),
    "of a frequent status, behind others": (
        chats(("$filter", "status eq 9"), LATEST, ("$skip", str(SKIPPED))), f"status, {BY_TIME}",
    ),
    "the queue": (chats(("$filter", "status eq 4"), ("$orderby", "whenRequested")), PASSING),
    "unrated open ones": (chats(("$filter", "status oneOf (4,5) and rating eq null")), PASSING),
    "AI sessions": (ai_sessions(order=OLDEST), CREATED),
    "newest AI sessions": (ai_sessions(order=NEWEST), CREATED),
    "AI sessions behind others": (ai_sessions(order=NEWEST, offset=SKIPPED), CREATED),
    "AI sessions of an account": (
        ai_sessions(order=NEWEST, filters=[A7]), f"account_id, {CREATED}",
    ),
}  # fmt: skip


async def test_past_lists_look_hardly_more_rows_up_than_they_show(
    many: asyncpg.Connection, service: Service
) -> None:
    found: dict[tuple[str, str], str] = {}
    for name, (asked, _) in LISTS.items():
        for when, cut in CUTS.items():
            plan = await planned(many, *await compiled_as_of(service.pool, *asked, cut))
            reads = [node for node in plan if node.get("Relation Name", "").endswith("_history")]
            found[name, when] = await columns(many, reads[0].get("Index Name"))
            looked_up = sum(rows_read(node) for node in reads if node["Node Type"] == "Index Scan")
            assert looked_up <= 3 * (asked[1].limit + 1), (name, when)
            passed_over = [node for node in reads if node["Node Type"] == "Index Only Scan"]
            assert sum(map(rows_read, passed_over)) <= asked[1].offset + asked[1].limit + 1
    assert found == {(name, when): index for name, (_, index) in LISTS.items() for when in CUTS}


@pytest.mark.parametrize("column", ["person", "contact"])
async def test_past_sessions_of_a_person_or_a_company_are_found_by_an_index(
    many: asyncpg.Connection, service: Service, column: str
) -> None:
    asked = chats(("$filter", f"{column}Id eq 7"), LATEST)
    plan = await planned(many, *await compiled_as_of(service.pool, *asked, CUTS["middle"]))
    indexes = [node["Index Name"] for node in plan if node.get("Relation Name") == CHATS]
    assert indexes[0] == f"{CHATS}_{column}_id_position_until_idx"


async def test_past_lists_in_an_order_of_no_index_read_the_table_from_end_to_end(
    many: asyncpg.Connection, service: Service
) -> None:
    asked = chats(("$orderby", "rating desc"))
    plan = await planned(many, *await compiled_as_of(service.pool, *asked, CUTS["middle"]))
    reads = [node["Node Type"] for node in plan if node.get("Relation Name") == CHATS]
    assert reads == ["Seq Scan", "Index Scan"]


@pytest.mark.parametrize(("filters", "rows"), [([], 5_000), ([A7], 50)], ids=["all", "an account"])
async def test_past_sessions_are_counted_in_an_index_alone(
    many: asyncpg.Connection, filters: Sequence[Any], rows: int
) -> None:
    counting, arguments = past.count(AI_SESSIONS, filters, CUTS["middle"])
    plan = await planned(many, counting, arguments)
    (read,) = [node for node in plan if "Index Name" in node]
    assert read["Node Type"] == "Index Only Scan"
    assert read["Index Name"].startswith("ai_session_info_history_account_id_position")
    assert await many.fetchval(counting, *arguments) == rows


def rows_read(node: dict[str, Any]) -> int:
    """So many rows a node of a plan read, those that it then dropped included."""
    rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    return int(node["Actual Loops"] * rows)


async def columns(owner: asyncpg.Connection, index: str | None) -> str:
    """The columns of an index; PostgreSQL shortens long names of indexes."""
    definition = await owner.fetchval("SELECT pg_get_indexdef($1::text::regclass)", index)
    return (
        str(definition)
        .replace('"', "")
        .partition(" btree (")[2]
        .partition(") WHERE")[0]
        .partition(") INCLUDE")[0]
        .removesuffix(")")
    )


@pytest.fixture
async def many(owner: asyncpg.Connection) -> asyncpg.Connection:
    """Very many versions, and a connection that plans statements as the service's do."""
    await owner.execute(BULK)
    for view in ("chat_session_entity", "ai_session_info"):
        await owner.execute(f"VACUUM ANALYZE {view}_history")
    for name, value in {**SESSION, "plan_cache_mode": "force_generic_plan"}.items():
        await owner.execute(f"SET {name} = '{value}'")
    return owner


async def planned(
    many: asyncpg.Connection, sql: str, arguments: Sequence[object]
) -> list[dict[str, Any]]:
    """How the service has a statement done, from the top of the plan."""
    await many.execute(f"PREPARE page AS {sql}")
    literals = ", ".join(map(literal, arguments))
    plan = json.loads(
        await many.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE page ({literals})")
    )
    await many.execute("DEALLOCATE page")
    return nodes(plan[0]["Plan"])


def literal(argument: object) -> str:
    if isinstance(argument, (list, tuple)):
        return f"'{{{','.join(map(str, argument))}}}'"
    return f"'{argument}'"


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Of a plan, from the top."""
    return [plan, *(node for child in plan.get("Plans", []) for node in nodes(child))]
