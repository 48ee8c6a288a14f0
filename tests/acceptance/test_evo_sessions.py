"""Lists of sessions and accounts, and accounts one by one."""

from typing import Any

import httpx
import pytest
from support.refusals import refused

pytestmark = pytest.mark.usefixtures("_nothing_is_stored")

MEMBERS = ["items", "totalCount", "totalPages", "hasMorePages"]
ENTITY = ["id", "dateCreated", "dateLastModified", "createdBy", "lastModifiedBy"]


@pytest.fixture(scope="module")
def accounts(admin: httpx.Client) -> list[str]:
    """Two accounts that nobody else uses; the name of the second goes before that of the first."""
    names = ("Zulu & Sons", "Alpha 50%_")
    return [admin.post("/accounts", json={"name": name}).json()["id"] for name in names]


@pytest.fixture(scope="module")
def made(admin: httpx.Client, accounts: list[str]) -> list[str]:
    """The ids of seven sessions of these accounts, in turns, the oldest first."""
    body = [{"accountId": accounts[n % 2], "purpose": f"p{(n * 3) % 7}"} for n in range(7)]
    return [session["id"] for session in admin.post("/api/NewAISession[]", json=body).json()]


@pytest.fixture(scope="module")
def many(admin: httpx.Client) -> str:
    """An account with thirty sessions."""
    account = str(admin.post("/accounts", json={"name": "many"}).json()["id"])
    body = [{"accountId": account}] * 30
    assert admin.post("/api/NewAISession[]?atomic=true", json=body).status_code == 200
    return account


def listed(admin: httpx.Client, query: str, path: str = "/ai/sessions") -> dict[str, Any]:
    """A page."""
    answer = admin.get(f"{path}?{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids(page: dict[str, Any]) -> list[str]:
    """The ids on a page."""
    return [item["id"] for item in page["items"]]


def named(made: list[str]) -> str:
    """A query for sessions."""
    return "specificIds=" + ",".join(made)


def test_a_page_says_what_there_is(admin: httpx.Client, made: list[str]) -> None:
    page = listed(admin, named(made))
    assert list(page) == MEMBERS
    assert (page["totalCount"], page["totalPages"], page["hasMorePages"]) == (7, 1, False)
    assert page["items"] == [admin.get(f"/ai/sessions/{each}").json() for each in made]


@pytest.mark.parametrize(
    "notation",
    [
        "accountIds={0},{1}",
        "accountIds=[{0},{1}]",
        "accountIds=%5B{0},%22{1}%22%5D",
        'accountIds=["{0}","{1}"]',
        "accountIds={0}&accountIds={1}",
        "ACCOUNTIDS={0}%2C{1}",
        "accountids={0},none,{1},{0}",
    ],
)
def test_lists_of_ids_come_in_many_notations(
    admin: httpx.Client, accounts: list[str], made: list[str], notation: str
) -> None:
    for path in ("/ai/sessions", "/api/ListAISessions", "/json/reply/ListAISessions"):
        assert ids(listed(admin, notation.format(*accounts), path)) == made


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", '{{"accountIds":["{0}","{1}"]}}'),
        ("application/json", '{{"accountIds":"{0},{1}"}}'),
        ("text/jsv", "{{accountIds:[{0},{1}]}}"),
        ("text/csv", 'AccountIds\r\n"[{0},{1}]"\r\n'),
        ("application/x-www-form-urlencoded", "accountIds={0}&accountIds={1}"),
        ("application/x-www-form-urlencoded", "accountIds={0},{1}"),
        (
            "application/xml",
            '<ListAISessions><AccountIds xmlns:a="http://schemas.microsoft.com/2003/10/'
            'Serialization/Arrays"><a:string>{0}</a:string><a:string>{1}</a:string></AccountIds>'
            "</ListAISessions>",
        ),
    ],
    ids=["json", "json text", "jsv", "csv", "form", "form with commas", "xml"],
)
def test_lists_can_be_asked_for_in_bodies(
    admin: httpx.Client, accounts: list[str], made: list[str], content_type: str, body: str
) -> None:
    answer = admin.post(
        "/api/ListAISessions",
        content=body.format(*accounts),
        headers={"Content-Type": content_type},
    )
    assert answer.status_code == 200, answer.text
    assert ids(answer.json()) == made


def test_one_account_s_sessions(admin: httpx.Client, accounts: list[str], made: list[str]) -> None:
    page = listed(admin, f"accountIds={accounts[1]}")
    assert (ids(page), page["totalCount"]) == (made[1::2], 3)
    assert {item["accountName"] for item in page["items"]} == {"Alpha 50%_"}
    assert listed(admin, "accountIds=none") == {
        "items": [], "totalCount": 0, "totalPages": 0, "hasMorePages": False,
    }  # fmt: skip


def test_pages_are_counted_from_0(admin: httpx.Client, made: list[str]) -> None:
    for number in range(4):
        page = listed(admin, f"{named(made)}&countPerPage=3&page={number}")
        assert ids(page) == made[3 * number : 3 * number + 3]
        assert (page["totalCount"], page["totalPages"]) == (7, 3)
        assert page["hasMorePages"] == (number < 2)
    first = listed(admin, f"{named(made)}&countPerPage=3")
    assert ids(first) == made[:3]


def test_a_page_has_25_items_unless_all_are_asked_for(admin: httpx.Client, many: str) -> None:
    page = listed(admin, f"accountIds={many}")
    assert (len(page["items"]), page["totalCount"], page["totalPages"]) == (25, 30, 2)
    assert page["hasMorePages"]
    rest = listed(admin, f"accountIds={many}&page=1")
    assert (len(rest["items"]), rest["hasMorePages"]) == (5, False)
    everything = listed(admin, f"accountIds={many}&all=true&countPerPage=1")
    assert ids(everything) == ids(page) + ids(rest)
    assert (everything["totalPages"], everything["hasMorePages"]) == (1, False)


def test_simplified_paging_counts_nothing(admin: httpx.Client, made: list[str]) -> None:
    for number, more in ((0, True), (1, True), (2, False), (3, False)):
        query = f"{named(made)}&countPerPage=3&page={number}&simplifiedPaging=true"
        page = listed(admin, query)
        assert list(page) == ["items", "hasMorePages"]
        assert (ids(page), page["hasMorePages"]) == (made[3 * number : 3 * number + 3], more)


@pytest.mark.parametrize(
    ("field", "of"),
    [
        ("purpose", "purpose"), ("PURPOSE", "purpose"), ("Id", "id"), ("accountId", "accountId"),
        ("accountName", "accountName"), ("dateCreated", "dateCreated"),
        ("dateLastModified", "dateLastModified"), ("createdBy", "createdBy"),
        ("lastModifiedBy", "lastModifiedBy"),
    ],
)  # fmt: skip
def test_lists_are_sorted_by_any_member(
    admin: httpx.Client, made: list[str], field: str, of: str
) -> None:
    rising = listed(admin, f"{named(made)}&sortField={field}&sortOrder=Ascend")
    falling = listed(admin, f"{named(made)}&sortField={field}&sortOrder=Descend")
    values = [item[of] for item in rising["items"]]
    assert values == sorted(values)
    assert ids(falling) == ids(rising)[::-1]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("sortField=nothing", "SortField"),
        ("sortField=actions", "SortField"),
        ("sortField=id%3B%20DROP%20TABLE%20x", "SortField"),
        ("sortOrder=Sideways", "SortOrder"),
        ("page=-1", "Page"),
        ("page=one", "Page"),
        ("page=1.5", "Page"),
        ("countPerPage=-1", "CountPerPage"),
        ("countPerPage=1e999", "CountPerPage"),
        ("all=perhaps", "All"),
        ("simplifiedPaging=2", "SimplifiedPaging"),
        ("accountIds=" + ",".join(map(str, range(1_001))), "AccountIds"),
    ],
)
def test_a_bad_question_is_named(admin: httpx.Client, query: str, field: str) -> None:
    for path in ("/ai/sessions", "/api/ListAISessions"):
        answer = admin.get(f"{path}?{query}")
        assert answer.status_code == 400, answer.text
        assert refused("json", answer.content).fields == [field]


@pytest.mark.parametrize("page", ["99999", "9223372036854775807", "9" * 30])
def test_behind_the_last_page_there_is_nothing(
    admin: httpx.Client, made: list[str], page: str
) -> None:
    found = listed(admin, f"{named(made)}&page={page}")
    assert (found["items"], found["totalCount"], found["hasMorePages"]) == ([], 7, False)


def test_ids_that_cannot_be_find_nothing(admin: httpx.Client, made: list[str]) -> None:
    odd = ["none", "%F0%9F%98%80", "%27%3B--", made[0].upper() + "x", "*"]
    assert ids(listed(admin, "specificIds=" + ",".join([*odd, made[2]]))) == [made[2]]
    assert listed(admin, "accountIds=%F0%9F%98%80,%27")["items"] == []


def test_an_account_is_shown(admin: httpx.Client, accounts: list[str]) -> None:
    answer = admin.get(f"/accounts/{accounts[0]}")
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
    assert list(answer.json()) == ["name", *ENTITY]
    assert (answer.json()["id"], answer.json()["name"]) == (accounts[0], "Zulu & Sons")
    by_name = admin.get(f"/api/GetAccount?accountId={accounts[0]}")
    assert by_name.content == answer.content


@pytest.mark.parametrize("path", ["/accounts/none", "/accounts/%00", "/api/GetAccount?accountId=?"])
def test_an_unknown_account_is_not_found(admin: httpx.Client, path: str) -> None:
    answer = admin.get(path)
    assert (answer.status_code, refused("json", answer.content).code) == (404, "NotFound")


def test_an_account_needs_its_id(admin: httpx.Client) -> None:
    answer = admin.get("/api/GetAccount")
    assert answer.status_code == 400
    assert refused("json", answer.content).fields == ["AccountId"]


def test_accounts_are_listed(admin: httpx.Client, accounts: list[str]) -> None:
    page = listed(admin, f"specificIds={','.join(accounts)}&sortField=name", "/accounts")
    assert (list(page), ids(page)) == (MEMBERS, accounts[::-1])
    assert page["items"][0] == admin.get(f"/accounts/{accounts[1]}").json()


@pytest.mark.parametrize("text", ["Alpha 50%25", "ALPHA 5", "%25_", "a 50%25_"])
def test_accounts_are_found_by_a_part_of_their_name(
    admin: httpx.Client, accounts: list[str], text: str
) -> None:
    assert ids(listed(admin, f"nameFilter={text}", "/accounts")) == [accounts[1]]


@pytest.mark.parametrize("text", ["Zulu_", "Z%25", "nobody"])
def test_a_name_filter_has_no_wildcards(admin: httpx.Client, text: str) -> None:
    assert listed(admin, f"nameFilter={text}", "/accounts")["items"] == []
