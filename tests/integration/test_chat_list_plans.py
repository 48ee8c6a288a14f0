"""Lists of chat sessions are read by indexes, however many rows there are."""

import json
from typing import Any

import asyncpg
import pytest
from support.chat_lists import ASKER, Pairs

from app.database.session import SESSION
from app.faces.superoffice.lists.chat_list import chat_sessions_page
from app.faces.superoffice.lists.query import read_query
from app.faces.superoffice.lists.skip_token import write_token
from app.log.keyring import Keyring
from app.maintenance.store import Connection
from app.queries.paging import compiled
from app.queries.tables import CHAT_SESSIONS
from app.rebuild.rebuild import named, rebuild

BULK = """
INSERT INTO chat_session_entity
       (partition, stream_id, version, position,
        created_by, created_at, modified_by, modified_at, doc, search)
SELECT 0, gen_random_uuid(), 1, n, 'kim', now(), 'kim', now(),
       jsonb_build_object(
           'chat_session_id', n,
           'status', CASE WHEN n % 1000 = 0 THEN 'Faq' WHEN n % 2 = 0 THEN 'Closed'
                          ELSE 'Finished' END,
           'person', jsonb_build_object('PersonId', n % 5000),
           'contact', jsonb_build_object('ContactId', n % 4000)),
       jsonb_build_object('when_requested', n::bigint * 10000000)
  FROM generate_series(1, 20000) AS n
"""


@pytest.mark.parametrize("rebuilt", [False, True], ids=["as made", "rebuilt"])
@pytest.mark.parametrize(
    ("query", "index"),
    [
        ([], "chat_session_id"),
        ([("$filter", "chatSessionId gt 500")], "chat_session_id"),
        (
            [
                ("$orderby", "chatSessionId desc"),
                ("$skiptoken", write_token("chatSessionId desc", [7])),
            ],
            "chat_session_id",
        ),
        ([("$orderby", "whenRequested desc")], "coalesce_chat_session_id"),
        (
            [("$orderby", "whenRequested"), ("$skiptoken", write_token("whenRequested", [7, 7]))],
            "coalesce_chat_session_id",
        ),
        (
            [("$filter", "status eq 2"), ("$orderby", "whenRequested desc")],
            "status_coalesce_chat_session_id",
        ),
    ],
    ids=["all", "by number", "next page", "newest", "next of the oldest", "of a rare status"],
)
async def test_lists_in_the_order_of_an_index_are_read_from_it(
    owner: asyncpg.Connection,
    store: Connection,
    keyring: Keyring,
    query: Pairs,
    index: str,
    rebuilt: bool,
) -> None:
    if rebuilt:
        await rebuild(store, keyring, named(["chat_session_entity"]), lambda *_: None)
    plan = await planned(owner, query)
    (read,) = [node["Plans"][0] for node in plan if node["Node Type"] == "Limit"]
    # Directly below the limit: nothing is sorted in between.
    assert read.get("Index Name") == f"chat_session_entity_{index}_idx"


@pytest.mark.parametrize("column", ["person", "contact"])
async def test_sessions_of_a_person_or_a_company_are_found_by_an_index(
    owner: asyncpg.Connection, column: str
) -> None:
    query = [("$filter", f"{column}Id eq 7"), ("$orderby", "whenRequested desc")]
    plan = await planned(owner, query)
    indexes = [node["Index Name"] for node in plan if "Index Name" in node]
    assert indexes == [f"chat_session_entity_{column}_id_idx"]


async def planned(owner: asyncpg.Connection, query: Pairs) -> list[dict[str, Any]]:
    """How the service has a list read from many rows, from the top of the plan."""
    await owner.execute(BULK)
    await owner.execute("ANALYZE chat_session_entity")
    for name, value in {**SESSION, "plan_cache_mode": "force_generic_plan"}.items():
        await owner.execute(f"SET {name} = '{value}'")
    sql, arguments = compiled(CHAT_SESSIONS, chat_sessions_page(read_query(query), ASKER))
    await owner.execute(f"PREPARE page AS {sql}")
    literals = ", ".join(f"'{argument}'" for argument in arguments)
    plan = json.loads(await owner.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE page ({literals})"))
    return nodes(plan[0]["Plan"])


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Of a plan, from the top."""
    return [plan, *(node for child in plan.get("Plans", []) for node in nodes(child))]
