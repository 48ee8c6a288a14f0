"""What filters say about a column."""

import pytest
from support.chat_lists import ASKER

from app.faces.superoffice.lists.chat_list import chat_sessions_page
from app.faces.superoffice.lists.query import read_query
from app.queries.implied import implied_values
from app.queries.tables import CHAT_SESSIONS

STATUS = CHAT_SESSIONS.table.c.status


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("status eq 4", ["InQueue"]),
        ("status oneOf (4,6)", ["InQueue", "UserLast"]),
        ("status eq 4 or status eq 6", ["InQueue", "UserLast"]),
        ("rating ge 4 and (status eq 4 or status eq 6)", ["InQueue", "UserLast"]),
        ("status oneOf (4,6) and status oneOf (5,6)", ["UserLast"]),
        ("status eq 4 and status eq 6", []),
    ],
)
def test_a_status_that_filters_ask_for_is_known(text: str, values: list[str]) -> None:
    page = chat_sessions_page(read_query([("$filter", text)]), ASKER)
    assert implied_values(page.filters, STATUS) == values


@pytest.mark.parametrize(
    "text",
    [
        "rating ge 4",
        "status ne 4",
        "status eq null",
        "not (status eq 4)",
        "status eq 4 or rating ge 4",
        "status notOneOf (4,6)",
    ],
)
def test_any_status_may_pass_other_filters(text: str) -> None:
    page = chat_sessions_page(read_query([("$filter", text)]), ASKER)
    assert implied_values(page.filters, STATUS) is None
