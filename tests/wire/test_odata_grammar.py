"""The `$filter` of a list is read into conditions, or refused with words that tell where."""

import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.codecs.json_text import BadInput
from app.faces.superoffice.lists.odata import (
    MAX_CHARACTERS,
    MAX_NESTING,
    All,
    Comparison,
    Either,
    Form,
    FunctionCall,
    Negation,
    Test,
    Truth,
    Value,
    parse,
)


def spelt(test: Test) -> str:
    """A condition with all its parentheses, values by their forms."""
    match test:
        case All(tests):
            return f"({' & '.join(map(spelt, tests))})"
        case Either(tests):
            return f"({' | '.join(map(spelt, tests))})"
        case Negation(inner):
            return f"!{spelt(inner)}"
        case Comparison(column, operator, values):
            return " ".join([column.name, operator.name, *map(written, values)])
        case FunctionCall(function, arguments):
            return f"{function.name}({', '.join(map(written, arguments))})"
        case Truth(call, operator, value):
            return f"{spelt(call)} {operator.name} {written(value)}"


def written(value: Value) -> str:
    return f"<{value.text}>" if value.form is Form.TEXT else f"{value.form.value}:{value.text}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rating eq 5", "rating eq number:5"),
        ("rating=-5", "rating = number:-5"),
        ("rating<>1.50", "rating <> number:1.50"),
        ("a is 'it''s'", "a is <it's>"),
        ("a is ''", "a is <>"),
        ("a is ' OR 1=1 --'", "a is < OR 1=1 -->"),
        ("a ne null", "a ne word:null"),
        ("date date '2020-05-28'", "date date <2020-05-28>"),
        ("date date 2020-05-28", "date date date:2020-05-28"),
        ("date gt 2020-05-28T15:00:00.5+01:00", "date gt date:2020-05-28T15:00:00.5+01:00"),
        ("date lt datetime'2020-05-28'", "date lt date:2020-05-28"),
        ("date lt DateTimeOffset'2020-05-28'", "date lt date:2020-05-28"),
        ("date between ('a', 'b')", "date between <a> <b>"),
        ("category oneOf (3,6)", "category oneOf number:3 number:6"),
        ("date today", "date today"),
        ("date today and not and_ today", "(date today & !and_ today)"),
        ("person/fullName contains 'é'", "person/fullName contains <é>"),
        ("startswith(text, 'a')", "startswith(word:text, <a>)"),
        ("substringof('a',text) eq true", "substringof(<a>, word:text) eq word:true"),
        ("next(date,2,week)", "next(word:date, number:2, word:week)"),
        ("a = 1 and b = 2 or c = 3", "((a = number:1 & b = number:2) | c = number:3)"),
        ("a = 1 AND (b = 2 Or c = 3)", "(a = number:1 & (b = number:2 | c = number:3))"),
        ("not (a today or b today)", "!(a today | b today)"),
        ("not a = 1 and b = 2", "(!a = number:1 & b = number:2)"),
        ("(((a = 1)))", "a = number:1"),
        ("\ta\n=\r1 ", "a = number:1"),
    ],
)
def test_a_filter_is_read_as_it_is_meant(text: str, expected: str) -> None:
    assert spelt(parse(text)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Unexpected end at character 1"),
        ("a", "Unexpected end at character 2"),
        ("a eq 5 5", "Unexpected '5' at character 8"),
        ("a eq 1 or or b eq 2", "Unexpected 'or' at character 11"),
        ("a and b", "Unexpected 'and' at character 3"),
        ("a eq 1 and", "Unexpected end at character 11"),
        ("not not a eq 1", "Unexpected 'not' at character 5"),
        ("a eq 5)", "Unexpected ')' at character 7"),
        ("(a eq 5", "Unexpected end at character 8"),
        ("a eq 'x", 'Unexpected "\'" at character 6'),
        ('a eq "x"', "Unexpected '\"' at character 6"),
        ("a in ()", "Unexpected ')' at character 7"),
        ("a in (1,)", "Unexpected ')' at character 9"),
        ("é eq 5", "Unexpected 'é' at character 1"),
        ("a eq 1; DROP TABLE x", "Unexpected ';' at character 7"),
        ("a eq 1 -- b", "Unexpected '-' at character 8"),
        ("a eq 123456789012345678901234", "Unexpected '1234' at character 26"),
        ("a\n eq 'x' é", "Unexpected 'é' at character 11"),
        ("a is 'x\0'", "A character that no text has at character 8"),
        ("a is '\ud800'", "A character that no text has at character 7"),
    ],
    ids=ascii,
)
def test_what_is_no_filter_is_refused_where_it_goes_wrong(text: str, message: str) -> None:
    with pytest.raises(BadInput) as bad:
        parse(text)
    assert str(bad.value).startswith(f"{message} of $filter")
    assert bad.value.field == "$filter"


def test_parentheses_nest_only_so_deep() -> None:
    assert spelt(parse(f"{'(' * MAX_NESTING}a = 1{')' * MAX_NESTING}")) == "a = number:1"
    for opened in ("(" * 5_000, "not (" * 1_500, "a = '(((' or (" * 200):
        with pytest.raises(BadInput, match="nested deeper than 32 at character"):
            parse(f"{opened}a = 1")


def test_parentheses_in_texts_are_texts() -> None:
    assert spelt(parse(f"a = '{'(' * 100}' and b = ''''")) == f"(a = <{'(' * 100}> & b = <'>)"


def test_a_filter_has_only_so_many_characters() -> None:
    with pytest.raises(BadInput, match="more than 8000 characters"):
        parse(" or ".join(["a = 1"] * 10_000))
    assert isinstance(parse("a = 1" + " " * (MAX_CHARACTERS - 5)), Comparison)


WORDS = [
    "a",
    "eq",
    "and",
    "or",
    "not",
    "(",
    ")",
    ",",
    "'x'",
    "'",
    "1",
    "null",
    "today",
    "datetime'",
]


@settings(max_examples=50)
@given(st.lists(st.sampled_from(WORDS), max_size=12) | st.lists(st.characters(), max_size=8))
def test_whatever_comes_is_read_or_refused(words: list[str]) -> None:
    with suppress(BadInput):
        parse(" ".join(words))


@pytest.mark.parametrize(
    "text",
    [
        " or ".join(["a<1"] * 100),
        f"a in ({','.join(['1'] * 1_000)})",
        f"a in ({','.join(['b'] * 100)})",
        " and ".join(["contains(a,'b, and (c) or d')"] * 100),
    ],
)
def test_as_many_conditions_as_may_be(text: str) -> None:
    parse(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (" or ".join(["a<1"] * 101), "more than 100 conditions"),
        (" aNd ".join(["not (a<1)"] * 101), "more than 100 conditions"),
        (f"a in ({','.join(['b'] * 101)})", "more than 100 conditions"),
        (" or ".join([f"a in ({','.join(['b'] * 51)})"] * 2), "more than 100 conditions"),
        (f"a in ({','.join(['1'] * 1_001)})", "more than 1000 values"),
    ],
)
def test_more_conditions_are_refused(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=said) as told:
        parse(text)
    assert told.value.field == "$filter"


@pytest.mark.parametrize(
    "text",
    [
        " or ".join(["contains(a,'b')"] * 100),
        " or ".join(["a<1"] * 1_100),
        f"a in ({','.join(['1'] * 1_000)})",
        f"a in ({',' * 7_000})",
        "'" * 7_999,
        "((a<1)" * 1_000,
    ],
)
def test_no_filter_costs_much(text: str) -> None:
    with suppress(BadInput):
        parse("a<1")  # the grammar itself is read once
    began = time.process_time()
    with suppress(BadInput):
        parse(text)
    assert time.process_time() - began < 0.2
