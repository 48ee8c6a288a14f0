"""Which statements lists are read by: any filter and order, few forms, an index."""

import json
from typing import Any

import asyncpg
import pytest
from sqlalchemy import and_, or_
from support.listed import purposes

from app.database.session import SESSION
from app.log.keyring import Keyring
from app.maintenance.store import Connection
from app.queries.page import Order, Page
from app.queries.paging import compiled
from app.queries.tables import AI_SESSIONS
from app.rebuild.rebuild import named, rebuild
from app.service import Service

C = AI_SESSIONS.columns


@pytest.mark.usefixtures("sessions")
async def test_any_expression_filters_and_several_columns_order(service: Service) -> None:
    page = Page(
        filters=[
            or_(C["purpose"].in_(["one", "two", "five"]), C["account_name"] == "100% Søn"),
            and_(C["created_by"] == "kim", C["purpose"].icontains("o") | C["account_id"].is_(None)),
        ],
        order=[Order(C["account_name"], descending=True), Order(C["purpose"])],
        limit=3,
    )
    listed = await service.views.page(AI_SESSIONS, page)
    assert purposes(listed) == ["one", "two", "four"]
    assert (listed.total, listed.has_more) == (4, True)


def test_pages_of_one_form_share_a_statement() -> None:
    def statement(offset: int, account: str) -> str:
        page = Page(
            order=[Order(C["created_at"])],
            limit=25,
            offset=offset,
            filters=[C["account_id"] == account],
        )
        return compiled(AI_SESSIONS, page)[0]

    assert statement(0, "a") == statement(25, "b")


@pytest.mark.parametrize("rebuilt", [False, True], ids=["as made", "rebuilt"])
@pytest.mark.parametrize(
    ("page", "index"),
    [
        (Page(order=[Order(C["created_at"])], limit=25), "created_at"),
        (Page(order=[Order(C["created_at"], True)], limit=25, offset=500), "created_at"),
        (
            Page(order=[Order(C["created_at"], True)], limit=25, filters=[C["account_id"] == "a"]),
            "account_id_created_at",
        ),
    ],
    ids=["oldest first", "newest first", "of an account"],
)
async def test_pages_in_the_order_of_creation_are_read_from_an_index(
    service: Service,
    owner: asyncpg.Connection,
    store: Connection,
    keyring: Keyring,
    page: Page,
    index: str,
    rebuilt: bool,
) -> None:
    if rebuilt:
        await rebuild(store, keyring, named(["ai_session_info"]), lambda *_: None)
    for name, value in {**SESSION, "plan_cache_mode": "force_generic_plan"}.items():
        await owner.execute(f"SET {name} = '{value}'")
    sql, arguments = compiled(AI_SESSIONS, page)
    await owner.execute(f"PREPARE page AS {sql}")
    literals = ", ".join(f"'{argument}'" for argument in arguments)
    plan = json.loads(await owner.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE page ({literals})"))
    read = [node["Plans"][0] for node in nodes(plan[0]["Plan"]) if node["Node Type"] == "Limit"]
    # Directly below the limit: nothing is sorted in between.
    assert f"ai_session_info_{index}_stream_id_idx" in {node["Index Name"] for node in read}


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Of a plan, from the top."""
    return [plan, *(node for child in plan.get("Plans", []) for node in nodes(child))]
