"""Lists of accounts are pages of a view, for clients and for operators."""

import pytest

from app.cli.accounts import everything
from app.codecs.json_text import BadInput
from app.faces.evo.list_query import AccountsQuery, list_accounts
from app.maintenance.store import Connection
from app.queries.page import PageResult
from app.queries.views import Row
from app.service import Service


def accounts(listed: PageResult[Row]) -> list[str]:
    return [row.folded.state.account_id for row in listed.items]


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
    assert [account.id for account in await everything(store)] == ["x", "y", "z"]
