"""The `$filter` of a list of chat sessions as an expression over its view. Runs no SQL itself."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import assert_never

from msgspec import Struct
from sqlalchemy import ColumnElement, and_, or_, true

from app.faces.superoffice.lists.columns import BY_NAME, Kind
from app.faces.superoffice.lists.filter_columns import FILTER_COLUMNS, FilterColumn
from app.faces.superoffice.lists.odata import (
    All,
    Comparison,
    Either,
    Form,
    FunctionCall,
    Named,
    Negation,
    Test,
    Truth,
    Value,
    refused,
)
from app.faces.superoffice.lists.operators import Op, compared, condition, within
from app.faces.superoffice.lists.periods import UNITS
from app.faces.superoffice.lists.values import count, scalar

_TEXT_FUNCTIONS = {
    "substringof": Op.CONTAINS,
    "contains": Op.CONTAINS,
    "startswith": Op.BEGINS,
    "endswith": Op.ENDS,
}
_PERIODS: Mapping[str, Callable[[int], tuple[int, int]]] = {
    "next": lambda n: (1, n + 1),
    "previous": lambda n: (-n, 0),
    "thisandnext": lambda n: (0, n + 1),
    "thisandprevious": lambda n: (-n, 1),
}
"""First and last period (exclusive) relative to the present one, for a number of periods."""
_PRESENT = {"this": (0, 1), "thisandpreviousandnext": (-1, 2)}
_TRUTHS = {"eq": True, "=": True, "ne": False}


class Asker(Struct, frozen=True):
    """The caller of a list, and the day."""

    today: date
    """The present day in UTC."""
    associate_id: int | None = None
    """The caller's number in the API; None without one."""
    may_change: bool = True
    """Whether the caller may do more than read."""


def filtered(test: Test, asker: Asker) -> ColumnElement[bool]:
    """The sessions for which a condition holds.

    Raises BadInput that names the unknown column, operator, function or value.
    """
    match test:
        case All(tests):
            return and_(*(filtered(each, asker) for each in tests))
        case Either(tests):
            return or_(*(filtered(each, asker) for each in tests))
        case Negation(inner):
            return filtered(inner, asker).is_not(true())
        case Comparison(column, operator, values):
            return _comparison(_column(column.name, column.at), operator, values, asker)
        case FunctionCall():
            return _call(test, asker.today)
        case Truth(call, operator, value):
            found = _call(call, asker.today)
            return found if _is_wanted(operator, value) else found.is_not(true())
        case _:
            assert_never(test)


def _column(name: str, at: int) -> FilterColumn:
    known = BY_NAME.get(name.lower())
    if known is None:
        raise refused(f"There is no column {name!r}", at)
    return FILTER_COLUMNS[known]


def _comparison(
    column: FilterColumn, operator: Named, values: tuple[Value, ...], asker: Asker
) -> ColumnElement[bool]:
    if operator.name.lower() != "currentassociate":
        return condition(column, operator, values, asker.today)
    if column.name not in ("associateId", "contact/associateId"):
        raise refused(f"{operator.name!r} is not for {column.name}", operator.at)
    if values:
        raise refused(f"{operator.name!r} takes no value", operator.at)
    if asker.associate_id is None:
        raise refused(f"{operator.name!r} is for associates; the caller is none,", operator.at)
    return compared(column, Op.EQUAL, [asker.associate_id])


def _call(call: FunctionCall, today: date) -> ColumnElement[bool]:
    name, at = call.function.name, call.function.at
    if name.lower() in _TEXT_FUNCTIONS:
        return _text_call(call)
    if name.lower() in _PRESENT or name.lower() in _PERIODS:
        return _period_call(call, today)
    raise refused(f"There is no function {name!r}", at)


def _text_call(call: FunctionCall) -> ColumnElement[bool]:
    name, at = call.function.name, call.function.at
    match call.arguments:
        # In either order: substringof has the text first, the other functions the column.
        case [Value(Form.WORD) as named, Value() as value] | [
            Value() as value,
            Value(Form.WORD) as named,
        ]:
            column = _column(named.text, named.at)
        case _:
            raise refused(f"{name!r} takes a column and a text", at)
    if column.kind is not Kind.TEXT:
        raise refused(f"{name!r} is not for {column.name}, which holds {column.kind.value},", at)
    part = scalar(Kind.TEXT, value, nullable=False)
    return compared(column, _TEXT_FUNCTIONS[name.lower()], [part])


def _period_call(call: FunctionCall, today: date) -> ColumnElement[bool]:
    name, at = call.function.name, call.function.at
    counted = name.lower() in _PERIODS
    if len(call.arguments) != 2 + counted:
        raise refused(f"{name!r} takes a column{', a number' * counted} and a period", at)
    first, *number, last = call.arguments
    column, unit = _column(first.text, first.at), UNITS.get(last.text.lower())
    if column.kind is not Kind.DATE:
        raise refused(f"{name!r} is not for {column.name}, which holds {column.kind.value},", at)
    if unit is None:
        raise refused(f"There is no period {last.text[:40]!r}", last.at)
    bounds = _PERIODS[name.lower()](count(number[0])) if counted else _PRESENT[name.lower()]
    return within(column, unit.stretch(today, *bounds))


def _is_wanted(operator: Named, value: Value) -> bool:
    wanted = _TRUTHS.get(operator.name.lower())
    if wanted is None:
        raise refused(f"There is no operator {operator.name!r} for a function", operator.at)
    return wanted is scalar(Kind.TRUTH, value, nullable=False)
