"""The options of a list, and the token that a list goes on with."""

import base64

import pytest

from app.codecs.json_text import BadInput
from app.faces.superoffice.lists.odata import parse
from app.faces.superoffice.lists.query import (
    DEFAULT_COLUMNS,
    ROWS_PER_PAGE,
    Mode,
    Sort,
    read_query,
)
from app.faces.superoffice.lists.skip_token import read_token, write_token
from app.faces.superoffice.wire.api import MAX_ROWS_PER_PAGE


def test_a_query_without_options_asks_for_the_first_page_of_all() -> None:
    query = read_query([])
    assert (query.filter, query.order, query.skip_token) == (None, (), None)
    assert (query.top, query.skip) == (ROWS_PER_PAGE, 0)
    assert (query.select, query.mode, query.json_safe) == (DEFAULT_COLUMNS, Mode.SLIM, False)


def test_names_of_options_and_columns_count_in_any_case() -> None:
    query = read_query(
        [
            ("$FILTER", "rating eq 5"),
            ("$OrderBy", "STATUS desc, chattopic/CHATTOPICID ,rating ASC"),
            ("$top", " 7 "),
            ("$Skip", "3"),
            ("$select", "Status,, chatTopicId,status"),
            ("$MODE", "FULL"),
            ("$entities", " Chat "),
            ("$jsonsafe", "True"),
            ("$skipToken", "abc"),
        ]
    )
    assert query.filter == parse("rating eq 5")
    assert query.order == (
        Sort("status", True),
        Sort("chatTopic/chatTopicId", False),
        Sort("rating", False),
    )
    assert (query.top, query.skip, query.skip_token) == (7, 3, "abc")
    assert query.select == ("status", "chatTopic/chatTopicId")
    assert (query.mode, query.json_safe) == (Mode.FULL, True)


def test_options_that_say_nothing_of_sessions_are_passed_over() -> None:
    plain = [("$options", "GrandTotal=true"), ("$context", "x"), ("$output", "Display")]
    assert read_query([*plain, ("$format", "JSON"), ("utm", "1"), ("utm", "2")]) == read_query([])
    empty = ["$filter", "$orderby", "$top", "$skip", "$select", "$entities", "$mode", "$skiptoken"]
    assert read_query([(name, " ") for name in empty[:-1]] + [("$skiptoken", "")]) == read_query([])


def test_a_page_has_a_bounded_number_of_rows() -> None:
    assert read_query([("$top", "9999999999")]).top == MAX_ROWS_PER_PAGE


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("$expand", "x", "There is no option '$expand'"),
        ("$top", "-1", "$top takes a whole number from 0, not '-1'"),
        ("$top", "1e3", "$top takes a whole number from 0, not '1e3'"),
        ("$top", "٣", "$top takes a whole number from 0, not '٣'"),
        ("$skip", "99999999999", "$skip takes a whole number from 0, not '99999999999'"),
        ("$mode", "Thin", "$mode takes Slim, Wide or Full, not 'Thin'"),
        ("$jsonSafe", "yes", "$jsonSafe takes true or false, not 'yes'"),
        ("$entities", "chat,contact", "There is no entity 'contact' in this list, only 'chat'"),
        ("$select", "status,SessionKey", "There is no column 'SessionKey' for $select"),
        ("$select", "Count(status):Footer", "There is no column 'Count(status):Footer'"),
        ("$select", "getNoRows", "getNoRows is for $filter only: it shows nothing"),
        ("$orderby", "colour desc", "There is no column 'colour' for $orderby"),
        ("$orderby", "sessionKey", "There is no column 'sessionKey' for $orderby"),
        ("$orderby", "duration", "There is no order by duration"),
        ("$orderby", "status down", "$orderby takes columns, each with asc or desc or neither"),
        ("$orderby", "status asc desc", "$orderby takes columns, each with asc or desc or"),
        (
            "$orderby",
            "status,rating,agent,date,type,text,associateId,personId,contactId",
            "$orderby takes 8 columns at the most",
        ),
    ],
)
def test_what_is_not_known_is_refused_by_its_name(name: str, value: str, message: str) -> None:
    with pytest.raises(BadInput) as bad:
        read_query([(name, value)])
    assert str(bad.value).startswith(message)
    assert bad.value.field == name


def test_no_option_is_given_twice() -> None:
    with pytest.raises(BadInput, match=r"\$orderBy is given twice"):
        read_query([("$orderby", "status"), ("$orderBy", "rating")])


def test_a_token_gives_back_what_it_was_made_of() -> None:
    keys: list[str | int] = ["Søn?>", -(2**63), 2**63 - 1]
    token = write_token("text,rating desc", keys)
    assert token.isascii()
    assert not set(token) & set("+/=&?#")
    assert read_token(token, "text,rating desc", [str, int, int]) == keys


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode().rstrip("=")


@pytest.mark.parametrize(
    "token",
    [
        write_token("rating", [5]),
        write_token("status", ["x"]),
        write_token("status", [5, 5]),
        write_token("status", []),
        encoded('["status",[5.0]]'),
        encoded('["status",[true]]'),
        encoded('["status",[null]]'),
        encoded('["status",[9223372036854775808]]'),
        encoded('["status",[5],6]'),
        encoded('["status"]'),
        encoded('{"order":"status","after":[5]}'),
        encoded('["status",["\\u0000"]]'),
        encoded('["status",["\\ud800"]]'),
        encoded("[" * 100),
        encoded("\ud800"),
        encoded(""),
        "=",
        "a",
        "WyJ",
        "é",
        "WyJ\n",
        "+/+/",
        "A" * 10_000,
    ],
)
def test_a_token_of_anything_else_is_refused(token: str) -> None:
    with pytest.raises(BadInput, match="not one of this list in this order") as bad:
        read_token(token, "status", [int])
    assert bad.value.field == "$skiptoken"
