"""What a filter may ask of a column; what it may not is refused by its name."""

from datetime import date

import pytest

from app.codecs.json_text import BadInput
from app.faces.superoffice.lists.columns import BY_NAME, COLUMNS, Kind
from app.faces.superoffice.lists.filter import Asker, filtered
from app.faces.superoffice.lists.filter_columns import FILTER_COLUMNS
from app.faces.superoffice.lists.odata import MAX_CONDITIONS, MAX_VALUES, parse
from app.faces.superoffice.lists.operators import OPERATORS
from app.queries.page import Order, Page
from app.queries.paging import compiled
from app.queries.tables import CHAT_SESSIONS

ASKER = Asker(date(2026, 11, 21), 7)
EXAMPLES = {
    Kind.NUMBER: ("rating", "4"),
    Kind.TEXT: ("text", "'Hello'"),
    Kind.TRUTH: ("getAllRows", "true"),
    Kind.STATUS: ("status", "'Closed'"),
    Kind.DATE: ("date", "'2020-05-28'"),
}
OF_TWO = {"between", "datebetween"}
OF_NONE = {"isnull", "isnotnull"}


def statement(text: str, asker: Asker = ASKER) -> tuple[str, list[object]]:
    """The SQL of a list with a filter, and its arguments without those of the page."""
    page = Page(
        order=[Order(FILTER_COLUMNS["chatSessionId"].filled)],
        limit=1,
        filters=[filtered(parse(text), asker)],
        counted=False,
    )
    sql, arguments = compiled(CHAT_SESSIONS, page)
    return sql, arguments[1:-2]


@pytest.mark.parametrize("kind", Kind)
def test_every_operator_of_a_column_takes_its_values(kind: Kind) -> None:
    column, value = EXAMPLES[kind]
    for name, operator in OPERATORS[kind].items():
        values = f"({value},{value})" if name in OF_TWO else value
        bare = name in OF_NONE or operator.name == "RELATIVE"
        sql, _ = statement(f"{column} {name}{'' if bare else ' ' + values}")
        assert "WHERE" in sql
        assert statement(f"{column.upper()} {name.upper()}{'' if bare else ' ' + values}")[0] == sql


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour eq 1", "There is no column 'colour' at character 1"),
        ("rating eq 1 and sessionKey is 'x'", "There is no column 'sessionKey' at character 17"),
        ("contains(SessionKey, 'x')", "There is no column 'SessionKey' at character 10"),
        ("doc eq 'x'", "There is no column 'doc' at character 1"),
        ("rating like 1", "There is no operator 'like' at character 8"),
        ("rating contains 1", "'contains' is not for rating, which holds a number, at char"),
        ("status gt 4", "'gt' is not for status, which holds a status, at character 8"),
        ("text today", "'today' is not for text, which holds text, at character 6"),
        ("date contains 'x'", "'contains' is not for date, which holds a date, at character 6"),
        ("rating eq", "'eq' takes one value at character 8"),
        ("rating eq (1,2)", "'eq' takes one value at character 8"),
        ("rating between 1", "'between' takes two values at character 8"),
        ("date between ('2020-01-01','2020-01-02','2020-01-03')", "'between' takes two values"),
        ("date today '2020-01-01'", "'today' takes no value at character 6"),
        ("rating oneOf", "'oneOf' takes one value or more at character 8"),
        ("rating eq 'x'", "Expected a whole number, not 'x', at character 11"),
        ("rating eq 1.5", "Expected a whole number, not '1.5', at character 11"),
        ("rating eq 99999999999999999999", "A number out of range at character 11"),
        ("rating gt null", "Expected a value, not null, at character 11"),
        ("rating oneOf (1,null)", "Expected a value, not null, at character 17"),
        ("rating eq true", "Expected a whole number, not 'true', at character 11"),
        ("text is hello", "Expected text, and text in quotes, at character 9"),
        ("getAllRows set 7", "Expected true or false, and text in quotes, at character 16"),
        ("status is 'Open'", "'Open' is none of Invalid, PreChatForm, Faq, OfflineForm, InQueue"),
        ("status eq 12", "'12' is none of Invalid"),
        ("date gt null", "Expected a date, not null, at character 9"),
        ("date gt 5", "Expected a date of the calendar, such as '2020-05-28', not '5', at"),
        (
            "date gt '2020-02-30'",
            "Expected a date of the calendar, such as '2020-05-28', not '2020-02-30', at",
        ),
        ("date gt 'yesterday'", "Expected a date of the calendar, such as"),
        ("frobnicate(text,'x')", "There is no function 'frobnicate' at character 1"),
        ("contains(text)", "'contains' takes a column and a text at character 1"),
        ("contains('a','b')", "'contains' takes a column and a text at character 1"),
        ("contains(text,'a','b')", "'contains' takes a column and a text at character 1"),
        ("contains(rating,'a')", "'contains' is not for rating, which holds a number, at char"),
        ("contains(text,'a') gt true", "There is no operator 'gt' for a function at character 20"),
        ("contains(text,'a') eq 5", "Expected true or false, and text in quotes, at char"),
        ("this(date,fortnight)", "There is no period 'fortnight' at character 11"),
        ("this(date,1,week)", "'this' takes a column and a period at character 1"),
        ("next(date,week)", "'next' takes a column, a number and a period at character 1"),
        ("next(date,0,week)", "Expected 1 to 10000 periods at character 11"),
        ("next(date,'x',week)", "Expected a whole number, not 'x', at character 11"),
        ("next(rating,1,week)", "'next' is not for rating, which holds a number, at char"),
        ("rating currentAssociate", "'currentAssociate' is not for rating at character 8"),
        ("associateId currentAssociate 5", "'currentAssociate' takes no value at character 13"),
    ],
)
def test_what_a_column_cannot_be_asked_is_refused_by_name(text: str, message: str) -> None:
    with pytest.raises(BadInput) as bad:
        statement(text)
    assert str(bad.value).startswith(message)
    assert str(bad.value).endswith(" of $filter")
    assert bad.value.field == "$filter"


def test_a_caller_that_is_no_associate_has_no_sessions_to_ask_for() -> None:
    assert statement("associateId currentAssociate")[1] == [7]
    with pytest.raises(BadInput, match="'currentAssociate' is for associates"):
        statement("associateId currentAssociate", Asker(date(2026, 11, 21)))


def test_what_is_asked_for_is_an_argument_and_never_sql() -> None:
    text = "' OR 1=1 --"
    for operator in ("is", "contains", "begins", "lt", "in"):
        sql, arguments = statement(f"text {operator} '{text.replace(chr(39), chr(39) * 2)}'")
        assert "1=1" not in sql
        assert arguments == [text]
    assert statement("rating eq 5")[0] == statement("rating eq 6")[0]


def test_wildcards_stand_for_themselves() -> None:
    assert statement("text contains '50%_/'")[1] == ["50/%/_//"]


def test_deep_and_long_filters_become_statements() -> None:
    deep = "rating eq 1"
    for _ in range(31):
        deep = f"not ({deep} and rating eq 2 or rating eq 3)"
    assert len(statement(deep)[1]) == 63
    assert len(statement(" or ".join(["rating=1"] * MAX_CONDITIONS))[1]) == MAX_CONDITIONS
    assert statement(f"rating in ({','.join(['1'] * MAX_VALUES)})")[1] == [[1] * MAX_VALUES]


def test_every_column_is_documented_and_none_shows_the_key() -> None:
    assert FILTER_COLUMNS.keys() == COLUMNS.keys() == set(BY_NAME.values())
    assert not [name for name in BY_NAME if "key" in name]
    assert all(BY_NAME[name.lower()] == name for name in COLUMNS)
