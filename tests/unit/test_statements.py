"""Statements of one shape are compiled once; each has its own values, and no shape another's."""

from collections.abc import Iterator
from datetime import date
from itertools import count
from typing import Any

import pytest
from sqlalchemy import BigInteger, ColumnElement, Select, Text, bindparam, literal, select

from app.faces.superoffice.lists.chat_list import chat_sessions_page
from app.faces.superoffice.lists.filter import Asker
from app.faces.superoffice.lists.query import read_query
from app.faces.superoffice.lists.skip_token import write_token
from app.queries import paging
from app.queries.page import Order, Page
from app.queries.paging import compiled
from app.queries.statements import Statements
from app.queries.tables import AI_SESSIONS, CHAT_SESSIONS

ASKER = Asker(date(2026, 11, 21), 7)
NEWEST = ("$orderby", "whenRequested desc")
C = CHAT_SESSIONS.columns
QUERIES = [
    [("$filter", text), *more]
    for text in (
        "rating eq 4", "rating eq 5", "rating ne 5", "rating eq null", "rating ne null",
        "rating in (1)", "rating in (1,2)", "rating in (2,1,3)", "rating notOneOf (1,2)",
        "status eq 'Closed'", "status eq 'Finished'", "status in (2,7)", "status in (7,2)",
        "status ne null", "text is 'a'", "text is 'b'", "text in ('a','b')",
        "text in ('a','b','c')", "text contains 'a%'", "text begins 'a%'", "getAllRows is true",
        "person/firstName is 'a'", "whenRequested today",
        "whenRequested ge '2020-01-01'", "whenRequested ge '0001-01-01'",
        "updatedDate lt '2020-01-01'", "rating eq 4 and text is 'a'", "text is 'a' and rating eq 4",
        "rating eq 4 or text is 'a'", "not (rating eq 4)", "rating between (1,2)",
    )
    for more in (
        [],
        [("$top", "5"), ("$skip", "7")],
        [NEWEST],
        [("$orderby", "whenRequested")],
        [("$orderby", "whenRequested desc,rating")],
        [NEWEST, ("$skiptoken", write_token("whenRequested desc", [5, 6]))],
        [NEWEST, ("$skiptoken", write_token("whenRequested desc", [8, 9]))],
        [("$select", "contact/name")],
        [("$select", "person/title,agent,contact/name")],
    )
]  # fmt: skip
"""Neighbours: some differ in their values alone, and the others in what else they are made of."""


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each statement is compiled anew."""
    with monkeypatch.context() as patched:
        patched.setattr(paging, "_STATEMENTS", Statements(0, 0))
        yield


def asked(query: list[tuple[str, str]], most_bytes: int = 1) -> tuple[str, list[object]]:
    return compiled(CHAT_SESSIONS, chat_sessions_page(read_query(query), ASKER), most_bytes)


def pages() -> list[Page]:
    """Those that no query of a client spells."""
    mine, yours = C["rating"] == literal(7), C["rating"] == literal(8)
    orders: list[list[Order]] = [[Order(C["rating"])], [Order(C["topic_id"])]]
    filters: list[list[ColumnElement[bool]]] = [[], [mine], [yours], [mine, yours], [mine, mine]]
    return [
        Page(order=order, limit=limit, filters=those, counted=counted, unread=unread)
        for order in orders
        for those in filters
        for limit, counted, unread in ((1, True, ()), (2, False, ("user",)), (3, True, ("sale",)))
    ]


@pytest.mark.usefixtures("forgetful")
def test_what_is_remembered_is_what_is_compiled_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    anew = [asked(query, number) for number, query in enumerate(QUERIES)]
    anew += [compiled(CHAT_SESSIONS, page, 9) for page in pages()]
    monkeypatch.setattr(paging, "_STATEMENTS", Statements(10_000, 10_000))
    for _ in range(2):  # first as they come to be known, then as they are known
        found = [asked(query, number) for number, query in enumerate(QUERIES)]
        found += [compiled(CHAT_SESSIONS, page, 9) for page in pages()]
        assert found == anew
    assert len(paging._STATEMENTS) == len({sql for sql, _ in anew})


def test_a_parameter_that_is_shared_is_another_shape_than_two_of_its_kind() -> None:
    seven, eight = literal(7, BigInteger()), literal(8, BigInteger())
    found = [
        compiled(
            CHAT_SESSIONS,
            Page(order=[Order(C["rating"] + first)], limit=1, filters=[C["rating"] > second]),
        )[1]
        for first, second in ((seven, seven), (seven, eight), (eight, eight), (eight, seven))
    ]
    values = [[value for value in each if value in (7, 8)] for each in found]
    assert [set(each) for each in values] == [{7}, {7, 8}, {8}, {7, 8}]
    assert values[1] == [{7: 8, 8: 7}[value] for value in values[3]]


def test_two_kinds_of_rows_share_no_statement() -> None:
    pages = [
        (listable, Page(order=[Order(listable.columns["created_at"])], limit=1))
        for listable in (CHAT_SESSIONS, AI_SESSIONS)
    ]
    for _ in range(2):
        chat, ai = (compiled(*page)[0] for page in pages)
        assert "FROM chat_session_entity" in chat
        assert "FROM ai_session_info" in ai


class Made:
    """Statements over some expressions, and how often they were compiled."""

    def __init__(self, most: int = 8, most_characters: int = 200) -> None:
        self.statements = Statements(most, most_characters)
        self.times = 0

    def ask(self, part: ColumnElement[Any], shape: str = "") -> tuple[str, list[object]]:
        def make() -> Select[Any]:
            self.times += 1
            return select(part).limit(bindparam("rows", type_=BigInteger()))

        return self.statements.compiled(make, shape, [part], {"rows": 1})


def test_one_shape_is_compiled_once_and_its_values_are_not_kept() -> None:
    made = Made()
    for number in range(3):
        sql, arguments = made.ask(literal(f"secret {number}"))
        assert arguments == [f"secret {number}", 1]
        assert sql.count("$") == 2
    assert made.times == 1
    assert "secret" not in repr(vars(made.statements))


@pytest.mark.parametrize("listed", [[[1, 2], [3, 4], [5]], [[1], [], [2]]])
def test_where_values_decide_on_the_text_they_are_never_those_of_another(
    listed: list[list[int]],
) -> None:
    made = Made()
    for values in listed:
        sql, arguments = made.ask(C["rating"].in_(values))
        assert sorted(map(str, arguments)) == sorted(map(str, [*values, 1]))
        for number, value in enumerate(arguments, 1):
            sql = sql.replace(f"${number}::", f"{value}::")
        assert all(f"{value}::" in sql.partition("LIMIT")[0] for value in values)
        assert "LIMIT 1::" in sql
    for word in ("one", "two"):
        assert f"'{word}'" in made.ask(literal(word, Text(), literal_execute=True))[0]
    assert len(made.statements) == 0


def test_a_bounded_number_is_remembered_and_the_least_recently_used_is_forgotten() -> None:
    made, names = Made(most=2), ["rating", "topic_id", "rating", "person_id", "rating", "topic_id"]
    compilations = []
    for name, number in zip(names, count()):
        made.ask(C[name] == number)
        compilations.append(made.times)
        assert len(made.statements) <= 2
    assert compilations == [1, 2, 2, 3, 3, 4]


def test_what_is_long_is_not_remembered() -> None:
    made = Made(most_characters=100)
    for part in (literal(1), C["rating"] + C["topic_id"] == 1):
        for _ in range(2):
            made.ask(part)
    assert (made.times, len(made.statements)) == (3, 1)
