"""Lists of sessions are pages of a view: filtered, ordered, whole however they are turned."""

from collections.abc import Sequence

import asyncpg
import pytest
from support import given
from support.listed import purposes

from app.cli.accounts import everything
from app.codecs.json_text import BadInput
from app.faces.evo.list_query import AISessionsQuery, ListQuery, list_ai_sessions
from app.faces.evo.wire.requests import ITEMS_PER_PAGE, MAX_ITEMS_PER_PAGE
from app.log.errors import Unreadable
from app.maintenance.store import Connection
from app.queries.page import MAX_OFFSET, Order, Page, PageResult
from app.queries.tables import AI_SESSIONS
from app.service import Service
from domain.ids import AISessionId

C = AI_SESSIONS.columns
NOBODY = "0190a000-0000-7000-8000-000000000007"


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


async def test_a_damaged_row_is_not_passed_over(
    service: Service, sessions: dict[str, AISessionId], owner: asyncpg.Connection
) -> None:
    await owner.execute(
        """UPDATE ai_session_info SET doc = '{"purpose": 7}' WHERE stream_id = $1""",
        sessions["two"],
    )
    with pytest.raises(Unreadable, match=sessions["two"]):
        await list_ai_sessions(service.views, AISessionsQuery())
