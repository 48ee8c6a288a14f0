"""Lists of chat sessions hold what their filter says, in their order, however they are paged."""

import json
import secrets
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import database
import pytest
from chat_lists import ASKER, BASE, Pairs, all_pages, following, listed, numbers
from chat_rows import insert
from msgspec.structs import replace

from app.chat_list import chat_sessions_page, sessions_of
from app.columns import CHAT_SESSIONS
from app.listing import compiled
from app.log.keyring import Keyring
from app.log.pool import SESSION, Pool
from app.ops.rebuild import named, rebuild
from app.ops.store import Connection
from app.service import Service
from app.settings import Settings
from app.views import Views
from app.wire.json_text import BadInput
from app.wire.superoffice.list_query import MOST_ROWS_A_PAGE, read_query
from app.wire.superoffice.skip_token import write_token
from domain.chat_carriers import Associate, Contact, Person
from domain.chat_enums import ChatSessionStatus
from domain.chat_session import ChatSession
from domain.date_time import DateTime
from domain.ids import ChatSessionId


@pytest.fixture
def views(service: Service) -> Views:
    return service.views


def session(number: int, **given: object) -> ChatSession:
    return replace(ChatSession(chat_session_id=ChatSessionId(number)), **given)


SAMPLES = [
    session(
        1,
        topic_id=3,
        status=ChatSessionStatus.IN_QUEUE,
        rating=5,
        first_message="Hello, it's 50% off_",
        when_requested=DateTime("2026-11-21T08:00:00Z"),
        person=Person(person_id=8, firstname="Søren", full_name="Søren B"),
        session_key="aliquam",
    ),
    session(
        2,
        status=ChatSessionStatus.CLOSED,
        rating=1,
        first_message="HELLO back\\slash",
        last_message="",
        when_requested=DateTime("2026-11-20T23:30:00-01:00"),
        when_started=DateTime("2026-11-21T00:31:30Z"),
        when_ended=DateTime("2026-11-21T00:41:30.9999999Z"),
        user=Associate(associate_id=7, name="kim", full_name="Kim K", ej_user_id=70),
        contact=Contact(contact_id=9, name="Acme"),
    ),
    session(
        3,
        status=ChatSessionStatus.FINISHED,
        rating=-2,
        initial_queue_pos=4,
        when_requested=DateTime("2026-10-31T12:00:00.0000001"),
        when_started=DateTime("2026-10-31T11:00:00"),
        user=Associate(associate_id=6, name="lee", full_name=""),
    ),
    session(4, first_message="A 'quoted' hello", when_requested=DateTime("2025-12-31")),
    session(5),
]


@pytest.fixture(scope="module")
async def samples(server_url: str, template: str) -> AsyncIterator[Views]:
    """The lists of a database that holds SAMPLES and that nobody changes."""
    name = f"sessionary_test_{secrets.token_hex(8)}"
    async with database.created(server_url, name, template) as url:
        owner = await asyncpg.connect(url)
        await insert(owner, SAMPLES)
        await owner.close()
        pool = Pool(Settings(database_url=url, master_key=database.MASTER_KEY))
        yield Views(pool, pool, partitions=1, batch=1)
        await pool.close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rating eq 5", [1]),
        ("RATING Equals 5", [1]),
        ("rating = -2", [3]),
        ("rating set '5'", [1]),
        ("rating ne 0", [1, 2, 3]),
        ("rating unequals 5", [2, 3, 4, 5]),
        ("rating lt 0", [3]),
        ("rating less 1", [3, 4, 5]),
        ("rating le 1", [2, 3, 4, 5]),
        ("rating gt 1", [1]),
        ("rating greater 0", [1, 2]),
        ("rating ge 1.0", [1, 2]),
        ("rating between (0,1)", [2, 4, 5]),
        ("rating oneOf (5,1,99)", [1, 2]),
        ("rating NotOneOf (5,1)", [3, 4, 5]),
        ("rating gt -9223372036854775808 and rating lt 9223372036854775807", [1, 2, 3, 4, 5]),
        ("chatSessionId in (2,4)", [2, 4]),
        ("chatTopicId eq 3", [1]),
        ("chatTopic/chatTopicId eq 3", [1]),
        ("queueLength eq 4", [3]),
        ("personId eq 8", [1]),
        ("personId ne 8", [2, 3, 4, 5]),
        ("personId eq null", [2, 3, 4, 5]),
        ("personId ne null", [1]),
        ("personId isNotNull", [1]),
        ("not (personId eq 8)", [2, 3, 4, 5]),
        ("personId notOneOf (8,9)", [2, 3, 4, 5]),
        ("firstMessage contains 'HELLO'", [1, 2, 4]),
        ("contains(firstMessage,'hello') eq true", [1, 2, 4]),
        ("substringof('hello',firstMessage) eq false", [3, 5]),
        ("startswith(firstMessage,'hello')", [1, 2]),
        ("endswith(firstMessage,'OFF_')", [1]),
        ("firstMessage contains '%'", [1]),
        ("firstMessage contains '_'", [1]),
        ("firstMessage contains '\\'", [2]),
        ("firstMessage contains ''''", [1, 4]),
        ("firstMessage begins 'hello'", [1, 2]),
        ("firstMessage notBegins 'hello'", [3, 4, 5]),
        ("firstMessage notContains 'hello'", [3, 5]),
        ("text is 'hello BACK\\slash'", [2]),
        ("text isNot 'hello BACK\\slash'", [1, 3, 4, 5]),
        ("text in ('a ''QUOTED'' hello', 'x')", [4]),
        ("text between ('A','B')", [4]),
        ("lastMessage is ''", [2]),
        ("lastMessage eq null", [1, 3, 4, 5]),
        ("text is ''' OR 1=1 --'", []),
        ("text is '''; DROP TABLE chat_session_entity; --'", []),
        ("person/firstName is 'SØREN'", [1]),
        ("contact/name begins 'ac'", [2]),
        ("agent is 'Kim K' or agent is 'lee'", [2, 3]),
        ("associateId associateIsOneOf (6,7)", [2, 3]),
        ("associateId associateIsNotOneOf (6)", [1, 2, 4, 5]),
        ("associateId currentAssociate", [2]),
        ("associate/ejUserId eq 70", [2]),
        ("status eq 4", [1]),
        ("status is 'closed'", [2]),
        ("status set InQueue", [1]),
        ("status is 'Waiting'", [1]),
        ("status oneOf (4,'Closed',Finished)", [1, 2, 3]),
        ("status notOneOf (4,9)", [3, 4, 5]),
        ("status ne 0", [1, 2, 3]),
        ("type is 'chat'", [1, 2, 3, 4, 5]),
        ("date date '2026-11-21'", [1, 2]),
        ("whenRequested eq 2026-11-21", [1, 2]),
        ("whenRequested ne '2026-11-21'", [3, 4, 5]),
        ("whenRequested before '2026-11-21'", [3, 4]),
        ("whenRequested beforeOrEqual '2026-11-21'", [1, 2, 3, 4]),
        ("whenRequested after '2026-11-20'", [1, 2]),
        ("whenRequested after '2026-11-21'", []),
        ("whenRequested gt '2026-11-21T00:30:00Z'", [1]),
        ("whenRequested ge '2026-11-21T01:30:00+01:00'", [1, 2]),
        ("whenRequested afterTime datetime'2026-11-21T08:00:00'", [1]),
        ("whenRequested dateTime '2026-10-31T12:00:00.0000001'", [3]),
        ("whenRequested dateTime '2026-10-31T12:00:00'", []),
        ("whenRequested between ('2025-12-31','2026-10-31')", [3, 4]),
        ("whenRequested dateBetween ('2026-10-31','2026-11-21T00:30:00Z')", [2, 3]),
        ("whenRequested eq null", [5]),
        ("whenRequested ne null", [1, 2, 3, 4]),
        ("whenRequested lt '0001-01-02'", []),
        ("whenRequested le '9999-12-31'", [1, 2, 3, 4]),
        ("whenRequested today", [1, 2]),
        ("whenRequested beforeToday", [3, 4]),
        ("not (whenRequested today)", [3, 4, 5]),
        ("whenRequested lastMonth", [3]),
        ("whenRequested lastYear", [4]),
        ("this(whenRequested,year)", [1, 2, 3]),
        ("previous(whenRequested,1,month)", [3]),
        ("thisAndPrevious(whenRequested,1,6)", [1, 2, 3, 4]),
        ("next(whenRequested,10000,years)", []),
        ("timeInQueue eq 90", [2]),
        ("timeInQueue eq 0", [3]),
        ("timeInQueue eq null", [1, 4, 5]),
        ("duration eq 600", [2]),
        ("registeredDate date '2026-01-01'", [1, 2, 3, 4, 5]),
        ("registeredDate gt '2026-01-01T03:00:00'", [4, 5]),
        ("registeredDate eq '2026-01-01T03:00:00.0000001'", []),
        ("registeredDate before '9999-12-31'", [1, 2, 3, 4, 5]),
        ("registeredDate after '0001-01-01'", [1, 2, 3, 4, 5]),
        ("updatedDate after '2026-01-02'", [2, 5]),
        ("updatedDate le '9999-12-31'", [1, 2, 3, 4, 5]),
        ("getAllRows eq true", [1, 2, 3, 4, 5]),
        ("getNoRows set true", []),
        ("getNoRows eq true or rating eq 5", [1]),
        ("recordTypeText eq 'chat' and rating eq 5", [1]),
        ("rating eq 5 or rating eq 1 and status eq 4", [1]),
        ("(rating eq 5 or rating eq 1) and status eq 9", [2]),
        ("not (personId gt 3 and rating eq 5) and not rating eq 0", [2, 3]),
    ],
)  # fmt: skip
async def test_a_list_holds_what_its_filter_says(
    samples: Views, text: str, expected: list[int]
) -> None:
    assert numbers(await listed(samples, [("$filter", text)])) == expected


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


async def test_no_row_shows_the_key_of_its_session(samples: Views) -> None:
    for mode in ("Slim", "Wide", "Full"):
        assert "aliquam" not in json.dumps(await listed(samples, [("$mode", mode)]))


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
        ("firstMessage,registeredDate desc", [5, 3, 4, 2, 1]),
        ("personId desc", [1, 5, 4, 3, 2]),
        ("status", [2, 3, 1, 4, 5]),
        ("type,date desc", [1, 2, 3, 4, 5]),
    ],
)
async def test_what_has_no_value_comes_first_and_last_when_descending(
    samples: Views, order: str, expected: list[int]
) -> None:
    found = await listed(samples, [("$orderby", order)])
    if order.startswith("firstMessage"):  # upper and lower case: as the database has it
        assert sorted(numbers(found)[2:]) == [1, 2, 4]
    else:
        assert numbers(found) == expected
    for top in ("1", "2"):
        assert await all_pages(samples, [("$orderby", order), ("$top", top)]) == numbers(found)


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
        replace(each, status=ChatSessionStatus.IN_QUEUE) for each in numbered(MOST_ROWS_A_PAGE)
    ]
    active = ChatSessionStatus.USER_LAST
    own = session(2_000, status=active, user=kim)
    asked = session(2_001, status=active, user=pat, transfer_to=kim)
    await insert(owner, [*waiting, own, asked, session(2_002, status=active, user=pat)])
    found = [each.state.chat_session_id for each in await sessions_of(views, 7)]
    assert found == [*range(1, MOST_ROWS_A_PAGE - 1), 2_000, 2_001]


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


async def test_long_and_deep_filters_are_answered(samples: Views) -> None:
    deep = "rating eq 5"
    for _ in range(32):
        deep = f"not ({deep})"
    assert numbers(await listed(samples, [("$filter", deep)])) == [1]
    many = " or ".join(["text contains 'x'"] * 380)
    assert numbers(await listed(samples, [("$filter", many)])) == []
    members = ",".join(["5"] * 3_900)
    assert numbers(await listed(samples, [("$filter", f"rating in ({members})")])) == [1]


BULK = """
INSERT INTO chat_session_entity
       (partition, stream_id, version, position,
        created_by, created_at, modified_by, modified_at, doc)
SELECT 0, gen_random_uuid(), 1, n, 'kim', now(), 'kim', now(),
       jsonb_build_object(
           'chat_session_id', n,
           'status', CASE WHEN n % 1000 = 0 THEN 'Faq' WHEN n % 2 = 0 THEN 'Closed'
                          ELSE 'Finished' END,
           'person', jsonb_build_object('PersonId', n % 5000),
           'contact', jsonb_build_object('ContactId', n % 4000),
           'search', jsonb_build_object('when_requested', n::bigint * 10000000))
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
