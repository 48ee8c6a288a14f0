"""Lists of chat sessions: their rows, their order, and their pages."""

import json

import asyncpg
import pytest
from msgspec.structs import replace
from support.chat_lists import BASE, Pairs, all_pages, following, listed, numbers
from support.chat_rows import insert, session

from app.codecs.json_text import BadInput
from app.faces.superoffice.lists.chat_list import sessions_of
from app.faces.superoffice.lists.columns import COLUMNS
from app.faces.superoffice.lists.skip_token import write_token
from app.faces.superoffice.wire.api import MAX_ROWS_PER_PAGE
from app.queries.views import Views
from app.service import Service
from domain.chat.carriers import Associate
from domain.chat.enums import ChatSessionStatus
from domain.chat.session import ChatSession


@pytest.fixture
def views(service: Service) -> Views:
    return service.views


def numbered(count: int) -> list[ChatSession]:
    return [session(number) for number in range(1, count + 1)]


async def test_a_row_has_its_key_its_entity_and_the_selected_columns(samples: Views) -> None:
    query = [
        ("$filter", "chatSessionId eq 2"),
        (
            "$select",
            "STATUS,recordTypeText,whenRequested,whenEnded,duration,associateId,agent,contact/name",
        ),
    ]
    assert await listed(samples, query) == {
        "odata.metadata": f"{BASE}/api/v1/Archive/ChatSession/$metadata",
        "odata.nextLink": None,
        "value": [
            {
                "PrimaryKey": "2",
                "EntityName": "chat",
                "status": "Closed",
                "recordTypeText": "Chat",
                "whenRequested": "2026-11-20T23:30:00-01:00",
                "whenEnded": "2026-11-21T00:41:30.9999999Z",
                "duration": 600,
                "associateId": "kim",
                "agent": "Kim K",
                "contact/name": "Acme",
            }
        ],
    }


async def test_a_full_row_has_raw_and_shown_values(samples: Views) -> None:
    query = [
        ("$filter", "chatSessionId eq 1"),
        ("$mode", "full"),
        ("$jsonSafe", "true"),
        ("$select", "status,person/personId,whenEnded"),
    ]
    (row,) = (await listed(samples, query))["value"]
    hints = {"LinkHint": "", "TooltipHint": ""}
    assert row == {
        "PrimaryKey": "1",
        "EntityName": "chat",
        "StyleHint": "",
        "LinkHint": "nav=chat&chat_session_id=1",
        "TableRight": {"Mask": "FULL", "Reason": ""},
        "Column": {
            "status": {"RawValue": 4, "DisplayValue": "Waiting", **hints},
            "person_personId": {"RawValue": 8, "DisplayValue": 8, **hints},
            "whenEnded": {
                "RawValue": "0001-01-01T00:00:00",
                "DisplayValue": "0001-01-01T00:00:00",
                **hints,
            },
        },
    }


@pytest.mark.parametrize("mode", ["slim", "wide", "full"])
async def test_no_column_shows_the_key_of_a_session(samples: Views, mode: str) -> None:
    names = ",".join(name for name, column in COLUMNS.items() if column.selectable)
    found = json.dumps(await listed(samples, [("$mode", mode), ("$select", names)]))
    assert "50% off_" in found
    assert "aliquam" not in found


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("", [1, 2, 3, 4, 5]),
        ("chatSessionId desc", [5, 4, 3, 2, 1]),
        ("rating", [3, 4, 5, 2, 1]),
        ("rating desc,chatSessionId", [1, 2, 4, 5, 3]),
        ("whenRequested", [5, 4, 3, 2, 1]),
        ("whenEnded desc, rating", [2, 3, 4, 5, 1]),
        ("timeInQueue,updatedDate desc", [5, 4, 1, 3, 2]),
        ("personId desc", [1, 5, 4, 3, 2]),
        ("status", [2, 3, 1, 4, 5]),
        ("type,date desc", [1, 2, 3, 4, 5]),
    ],
)
async def test_what_has_no_value_comes_first_and_last_when_descending(
    samples: Views, order: str, expected: list[int]
) -> None:
    assert await in_order(samples, order) == expected


async def test_texts_are_in_the_order_of_the_database(samples: Views) -> None:
    without, with_text = [5, 3], {1, 2, 4}
    found = await in_order(samples, "firstMessage,registeredDate desc")
    assert found[:2] == without
    # Whether case counts is for the database to say.
    assert set(found[2:]) == with_text


async def in_order(samples: Views, order: str) -> list[int]:
    """What is listed, once it is known to be the same however it is paged."""
    found = numbers(await listed(samples, [("$orderby", order)]))
    for top in ("1", "2"):
        assert await all_pages(samples, [("$orderby", order), ("$top", top)]) == found
    return found


async def test_rows_can_be_skipped(samples: Views) -> None:
    first = await listed(samples, [("$skip", "1"), ("$top", "2")])
    assert numbers(first) == [2, 3]
    query = following(first)
    assert query is not None
    assert [name for name, _ in query] == ["$top", "$skiptoken"]
    assert await all_pages(samples, query) == [4, 5]
    assert numbers(await listed(samples, [("$skip", "5")])) == []
    assert numbers(await listed(samples, [("$skip", "9999999999")])) == []
    assert numbers(await listed(samples, [*query, ("$skip", "1")])) == [5]


async def test_a_page_of_no_rows_has_no_next(samples: Views) -> None:
    assert await listed(samples, [("$top", "0")]) == {
        "odata.metadata": f"{BASE}/api/v1/Archive/ChatSession/$metadata",
        "odata.nextLink": None,
        "value": [],
    }


@pytest.mark.parametrize(
    "order", ["rating", "rating desc", "rating desc,whenRequested", "rating,date desc"]
)
async def test_what_comes_and_goes_meanwhile_neither_skips_nor_doubles_a_row(
    views: Views, owner: asyncpg.Connection, order: str
) -> None:
    there = [replace(each, rating=each.chat_session_id % 3) for each in numbered(9)]
    await insert(owner, there)
    query: Pairs | None = [("$orderby", order), ("$top", "2"), ("$filter", "rating ge 0")]
    found: list[int] = []
    number = 100
    while query is not None:
        answer = await listed(views, query)
        found += numbers(answer)
        query = following(answer)
        for rating in (0, 1, 2, 3):
            number += 1
            await insert(owner, [session(number, rating=rating)])
        await owner.execute("DELETE FROM chat_session_entity WHERE chat_session_id = $1", found[-1])
    assert sorted(each for each in found if each < 100) == list(range(1, 10))
    assert len(found) == len(set(found))


async def test_an_agent_sees_the_own_sessions_however_many_wait(
    views: Views, owner: asyncpg.Connection
) -> None:
    kim, pat = Associate(associate_id=7), Associate(associate_id=8)
    waiting = [
        replace(each, status=ChatSessionStatus.IN_QUEUE) for each in numbered(MAX_ROWS_PER_PAGE)
    ]
    active = ChatSessionStatus.USER_LAST
    own = session(2_000, status=active, user=kim)
    asked = session(2_001, status=active, user=pat, transfer_to=kim)
    await insert(owner, [*waiting, own, asked, session(2_002, status=active, user=pat)])
    found = [each.state.chat_session_id for each in await sessions_of(views, 7)]
    assert found == [*range(1, MAX_ROWS_PER_PAGE - 1), 2_000, 2_001]


@pytest.mark.parametrize(
    ("order", "keys"),
    [
        ("registeredDate", ["yesterday", 1]),
        ("registeredDate", ["0001-01-01T00:00:00+14:00", 1]),
        ("rating", ["5", 1]),
        ("rating", [5]),
        ("status", [4, 1]),
    ],
    ids=["no date", "before the first year", "a text", "too few", "a number"],
)
async def test_a_token_that_fits_no_row_is_refused(
    samples: Views, order: str, keys: list[str | int]
) -> None:
    query = [("$orderby", order), ("$skiptoken", write_token(order, keys))]
    with pytest.raises(BadInput) as bad:
        await listed(samples, query)
    assert bad.value.field == "$skiptoken"


@pytest.mark.parametrize(
    ("order", "keys"),
    [
        ("rating", [2**63 - 1, -(2**63)]),
        ("whenRequested", [-(2**63), 2**63 - 1]),
        ("registeredDate desc,rating", ["9999-12-31T23:59:59", 0, 0]),
        ("firstMessage desc", ["\U0010ffff" * 500, 1]),
        ("status,rating desc", ["no status", 5, 5]),
    ],
    ids=["large", "small", "no zone", "long", "unknown"],
)
async def test_a_token_of_our_form_is_never_too_much(
    samples: Views, order: str, keys: list[str | int]
) -> None:
    query = [("$orderby", order), ("$skiptoken", write_token(order, keys))]
    assert set(numbers(await listed(samples, query))) <= {1, 2, 3, 4, 5}
