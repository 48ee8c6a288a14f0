"""Lists are pages of a view: filtered, ordered, and whole however they are turned."""

import json
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest
from sqlalchemy import and_, or_
from support import given

from app.cli.accounts import everything
from app.codecs.json_text import BadInput
from app.database.session import SESSION
from app.faces.evo.list_query import (
    AccountsQuery,
    AISessionsQuery,
    ListQuery,
    list_accounts,
    list_ai_sessions,
)
from app.faces.evo.wire.requests import ITEMS_PER_PAGE, MAX_ITEMS_PER_PAGE
from app.log.errors import Unreadable
from app.log.keyring import Keyring
from app.maintenance.store import Connection
from app.queries.paging import MAX_OFFSET, Order, Page, PageResult, compiled
from app.queries.tables import AI_SESSIONS
from app.queries.views import Row
from app.rebuild.rebuild import named, rebuild
from app.service import Service
from domain.ids import AISessionId

C = AI_SESSIONS.columns
NOBODY = "0190a000-0000-7000-8000-000000000007"


@pytest.fixture
async def sessions(service: Service) -> dict[str, AISessionId]:
    """The ids of six by their purposes, oldest first; one of them belongs to no account."""
    for account, name in (("z", "Acme 1"), ("y", "acme 2"), ("x", "100% Søn")):
        await given.open_account(service, account, name)
    of = {"one": "y", "two": "z", "three": "z", "four": "x", "five": None, "six": "y"}
    return {
        purpose: given.session_of(
            await given.open_ai_session(service, account=account, purpose=purpose)
        )
        for purpose, account in of.items()
    }


def purposes(listed: PageResult[Row]) -> list[str]:
    return [row.folded.state.purpose for row in listed.items]


def accounts(listed: PageResult[Row]) -> list[str]:
    return [row.folded.state.account_id for row in listed.items]


async def all_pages(service: Service, wanted: Sequence[AISessionsQuery]) -> list[str]:
    return [
        purpose
        for each in wanted
        for purpose in purposes(await list_ai_sessions(service.views, each))
    ]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (None, ["one", "two", "three", "four", "five", "six"]),
        ("", ["one", "two", "three", "four", "five", "six"]),
        ("dateCreated", ["one", "two", "three", "four", "five", "six"]),
        ("DATECREATED", ["one", "two", "three", "four", "five", "six"]),
        ("id", ["one", "two", "three", "four", "five", "six"]),
        ("dateLastModified", ["two", "three", "four", "five", "six", "one"]),
        ("createdBy", ["one", "two", "three", "four", "five", "six"]),
        ("lastModifiedBy", ["one", "two", "three", "four", "five", "six"]),
        ("purpose", ["five", "four", "one", "six", "three", "two"]),
        ("accountId", ["five", "four", "one", "six", "two", "three"]),
        ("accountName", ["five", "four", "two", "three", "one", "six"]),
    ],
)
async def test_sessions_are_ordered_by_any_member_either_way(
    service: Service, sessions: dict[str, AISessionId], field: str | None, expected: list[str]
) -> None:
    await given.patch_ai_session(service, sessions["one"], "other")
    await given.patch_ai_session(service, sessions["one"], "one")
    for descending in (False, True):
        wanted = AISessionsQuery(sort_field=field, descending=descending)
        listed = await list_ai_sessions(service.views, wanted)
        assert purposes(listed) == (expected[::-1] if descending else expected)


@pytest.mark.parametrize("field", ["Purpose ", "name", "doc", "created_at", "accountİd"])
async def test_only_members_can_be_ordered_by(service: Service, field: str) -> None:
    with pytest.raises(BadInput, match="sortField must be one of accountId, accountName") as bad:
        await list_ai_sessions(service.views, AISessionsQuery(sort_field=field))
    assert bad.value.field == "sortField"


@pytest.mark.usefixtures("sessions")
@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ((), ["one", "two", "three", "four", "five", "six"]),
        (("z",), ["two", "three"]),
        (("z", "x", "z"), ["two", "three", "four"]),
        (("nobody", "z"), ["two", "three"]),
        (("nobody",), []),
        (("Z", "", "z\0", "%", "'"), []),
        (("z\0",), []),
    ],
    ids=["none", "one", "two", "known and unknown", "unknown", "not like any", "unstorable"],
)
async def test_sessions_are_those_of_the_named_accounts(
    service: Service, ids: Sequence[str], expected: list[str]
) -> None:
    listed = await list_ai_sessions(service.views, AISessionsQuery(account_ids=ids))
    assert purposes(listed) == expected
    assert listed.total == len(expected)


@pytest.mark.parametrize(
    ("names", "strange", "expected"),
    [
        (["two"], [], ["two"]),
        (["six", "two", "two"], [], ["two", "six"]),
        (["two"], [NOBODY, "", "no uuid", "z\0"], ["two"]),
        ([], [NOBODY], []),
        ([], ["no uuid"], []),
    ],
    ids=["one", "two", "among others", "unknown", "no id"],
)
async def test_sessions_are_those_with_the_named_ids(
    service: Service,
    sessions: dict[str, AISessionId],
    names: Sequence[str],
    strange: Sequence[str],
    expected: list[str],
) -> None:
    ids = [*strange, *(sessions[name] for name in names)]
    listed = await list_ai_sessions(service.views, AISessionsQuery(specific_ids=ids))
    assert purposes(listed) == expected


async def test_an_id_in_another_spelling_names_no_session(
    service: Service, sessions: dict[str, AISessionId]
) -> None:
    for spelling in (sessions["one"].upper(), f"{{{sessions['one']}}}"):
        listed = await list_ai_sessions(service.views, AISessionsQuery(specific_ids=[spelling]))
        assert listed.items == []


async def test_filters_hold_together(service: Service, sessions: dict[str, AISessionId]) -> None:
    ids = [sessions["one"], sessions["two"]]
    wanted = AISessionsQuery(account_ids=["z"], specific_ids=ids)
    assert purposes(await list_ai_sessions(service.views, wanted)) == ["two"]


async def test_a_row_is_what_reading_it_by_its_id_gives(
    service: Service, sessions: dict[str, AISessionId]
) -> None:
    await given.rename_account(service, "z", "Acme anew")
    await given.patch_ai_session(service, sessions["two"], "2")
    listed = await list_ai_sessions(service.views, AISessionsQuery(account_ids=["z"]))
    assert [row.account_name for row in listed.items] == ["Acme anew"] * 2
    for row in listed.items:
        assert row == await service.views.get("ai_session", row.folded.stream)


@pytest.mark.usefixtures("sessions")
@pytest.mark.parametrize("simplified", [False, True], ids=["counted", "simplified"])
async def test_a_page_says_whether_there_is_another(service: Service, simplified: bool) -> None:
    for page, expected, more in (
        (0, ["one", "two", "three", "four"], True),
        (1, ["five", "six"], False),
        (2, [], False),
        (MAX_OFFSET, [], False),
        (10**30, [], False),
    ):
        wanted = AISessionsQuery(page=page, count_per_page=4, simplified=simplified)
        listed = await list_ai_sessions(service.views, wanted)
        assert (purposes(listed), listed.has_more) == (expected, more)
        assert listed.total == (None if simplified else 6)
    whole = AISessionsQuery(count_per_page=6, simplified=simplified)
    assert not (await list_ai_sessions(service.views, whole)).has_more


async def test_nothing_is_a_page_without_items(service: Service, store: Connection) -> None:
    listed = await list_ai_sessions(service.views, AISessionsQuery())
    assert listed == PageResult(items=[], total=0, has_more=False)
    assert await everything(store) == []


@pytest.mark.parametrize(
    ("wanted", "items"),
    [
        (ListQuery(), ITEMS_PER_PAGE),
        (ListQuery(count_per_page=0), ITEMS_PER_PAGE),
        (ListQuery(count_per_page=1), 1),
        (ListQuery(count_per_page=10**30), MAX_ITEMS_PER_PAGE),
        (ListQuery(count_per_page=1, all=True), MAX_ITEMS_PER_PAGE),
    ],
    ids=["not said", "none", "one", "too many", "all"],
)
def test_a_page_has_a_bounded_number_of_items(wanted: ListQuery, items: int) -> None:
    assert wanted.items_a_page == items


async def test_what_is_alike_in_the_order_is_on_one_page_only(
    service: Service, sessions: dict[str, AISessionId]
) -> None:
    for descending in (False, True):
        pages = [
            AISessionsQuery(
                page=page, count_per_page=1, sort_field="createdBy", descending=descending
            )
            for page in range(6)
        ]
        assert sorted(await all_pages(service, pages)) == sorted(sessions)


async def test_what_is_created_meanwhile_moves_nothing_to_another_page(
    service: Service, sessions: dict[str, AISessionId]
) -> None:
    found = []
    for page in range(6):
        found += await all_pages(service, [AISessionsQuery(page=page, count_per_page=1)])
        await given.open_ai_session(service, purpose="meanwhile")
    assert found == list(sessions)


@pytest.mark.parametrize("counted", [False, True], ids=["not counted", "counted"])
@pytest.mark.parametrize("directions", [(False, False), (True, True), (True, False)])
async def test_a_page_can_go_on_behind_the_last_row_of_another(
    service: Service,
    sessions: dict[str, AISessionId],
    directions: tuple[bool, bool],
    counted: bool,
) -> None:
    order = [Order(C["created_by"], directions[0]), Order(C["created_at"], directions[1])]
    found, after, has_more = [], None, True
    while has_more:
        page = Page(order=order, limit=4, after=after, counted=counted)
        listed = await service.views.page(AI_SESSIONS, page)
        found += purposes(listed)
        after, has_more = listed.last, listed.has_more
        assert listed.total == (6 if counted else None)
    assert found == (list(sessions)[::-1] if directions[1] else list(sessions))


async def test_a_deleted_session_is_not_listed(
    service: Service, sessions: dict[str, AISessionId]
) -> None:
    await given.delete_ai_session(service, sessions["three"])
    listed = await list_ai_sessions(service.views, AISessionsQuery(account_ids=["z"]))
    assert (purposes(listed), listed.total) == (["two"], 1)


@pytest.mark.usefixtures("sessions")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, ["z", "y", "x"]),
        ("", ["z", "y", "x"]),
        ("ACME", ["z", "y"]),
        ("e 1", ["z"]),
        ("sØN", ["x"]),
        ("0%", ["x"]),
        ("%", ["x"]),
        ("_", []),
        ("/", []),
        ("\\", []),
        ("\0", []),
        ("acme'", []),
    ],
)
async def test_accounts_are_those_with_the_text_in_their_name(
    service: Service, text: str | None, expected: list[str]
) -> None:
    listed = await list_accounts(service.views, AccountsQuery(name_filter=text))
    assert (accounts(listed), listed.total) == (expected, len(expected))


@pytest.mark.usefixtures("sessions")
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (AccountsQuery(sort_field="id"), ["x", "y", "z"]),
        (AccountsQuery(sort_field="Name", name_filter="acme"), ["z", "y"]),
        (AccountsQuery(descending=True), ["x", "y", "z"]),
        (AccountsQuery(specific_ids=["z", "x", "nobody"]), ["z", "x"]),
        (AccountsQuery(specific_ids=["z\0"]), []),
        (AccountsQuery(specific_ids=["z", "x"], count_per_page=1, page=1), ["x"]),
    ],
    ids=["by id", "by name", "newest first", "named", "unstorable", "second page"],
)
async def test_accounts_are_listed_as_sessions_are(
    service: Service, wanted: AccountsQuery, expected: list[str]
) -> None:
    listed = await list_accounts(service.views, wanted)
    assert accounts(listed) == expected
    assert {row.account_name for row in listed.items} <= {None}


async def test_accounts_cannot_be_ordered_by_what_sessions_have(service: Service) -> None:
    with pytest.raises(BadInput, match="sortField must be one of name, id, dateCreated"):
        await list_accounts(service.views, AccountsQuery(sort_field="purpose"))


@pytest.mark.usefixtures("sessions")
async def test_an_operator_sees_all_accounts_by_their_ids(store: Connection) -> None:
    assert [row["account_id"] for row in await everything(store)] == ["x", "y", "z"]


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


async def test_a_damaged_row_is_not_passed_over(
    service: Service, sessions: dict[str, AISessionId], owner: asyncpg.Connection
) -> None:
    await owner.execute(
        """UPDATE ai_session_info SET doc = '{"purpose": 7}' WHERE stream_id = $1""",
        sessions["two"],
    )
    with pytest.raises(Unreadable, match=sessions["two"]):
        await list_ai_sessions(service.views, AISessionsQuery())


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
