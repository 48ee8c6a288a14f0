"""The operators of `$filter` in SQL, by the kind of a column. Nothing here runs SQL.

A comparison with a missing value is never true, except for "not equal", which always is.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from enum import Enum, auto
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Text,
    and_,
    any_,
    collate,
    func,
    literal,
    literal_column,
    or_,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY

from app.faces.superoffice.lists.columns import Kind
from app.faces.superoffice.lists.filter_columns import FilterColumn
from app.faces.superoffice.lists.odata import Named, Value, refused
from app.faces.superoffice.lists.periods import RELATIVE, Stretch, moment, relative
from app.faces.superoffice.lists.values import Scalar, is_null, scalar, stretch
from domain.chat.enums import ChatSessionStatus


class Op(Enum):
    """The meanings of operators, regardless of their spelling."""

    EQUAL = auto()
    UNEQUAL = auto()
    LESS = auto()
    AT_MOST = auto()
    GREATER = auto()
    AT_LEAST = auto()
    BETWEEN = auto()
    EXACT = auto()
    ONE_OF = auto()
    NOT_ONE_OF = auto()
    CONTAINS = auto()
    NOT_CONTAINS = auto()
    BEGINS = auto()
    NOT_BEGINS = auto()
    ENDS = auto()
    IS_NULL = auto()
    IS_NOT_NULL = auto()
    RELATIVE = auto()


def _spelt(*operators: tuple[Op, str]) -> dict[str, Op]:
    return {name: operator for operator, spellings in operators for name in spellings.split()}


_EQUALITY = _spelt(
    (Op.EQUAL, "eq = set equals is"),
    (Op.UNEQUAL, "ne != <> unequals isnot"),
    (Op.IS_NULL, "isnull"),
    (Op.IS_NOT_NULL, "isnotnull"),
)
_ORDER = _spelt(
    (Op.LESS, "lt < less"),
    (Op.AT_MOST, "le <="),
    (Op.GREATER, "gt > greater"),
    (Op.AT_LEAST, "ge >="),
    (Op.BETWEEN, "between"),
)
_LISTS = _spelt(
    (Op.ONE_OF, "oneof in associateisoneof"), (Op.NOT_ONE_OF, "notoneof associateisnotoneof")
)
OPERATORS: Mapping[Kind, Mapping[str, Op]] = {
    Kind.NUMBER: _EQUALITY | _ORDER | _LISTS,
    Kind.TRUTH: _EQUALITY,
    Kind.STATUS: _EQUALITY | _LISTS,
    Kind.TEXT: _EQUALITY
    | _ORDER
    | _LISTS
    | _spelt(
        (Op.CONTAINS, "contains"),
        (Op.NOT_CONTAINS, "notcontains"),
        (Op.BEGINS, "begins"),
        (Op.NOT_BEGINS, "notbegins"),
    ),
    Kind.DATE: _EQUALITY
    | _ORDER
    | _spelt(
        (Op.EQUAL, "date"),
        (Op.EXACT, "datetime"),
        (Op.LESS, "before beforetime"),
        (Op.AT_MOST, "beforeorequal to"),
        (Op.GREATER, "after"),
        (Op.AT_LEAST, "aftertime afterorequal from"),
        (Op.BETWEEN, "datebetween"),
        (Op.RELATIVE, " ".join(RELATIVE)),
    ),
}
"""By a column's kind, then by name in lower case (SuperOffice: search/odata)."""
_VALUES = {Op.BETWEEN: 2, Op.IS_NULL: 0, Op.IS_NOT_NULL: 0, Op.RELATIVE: 0}
"""Number of values of each operator that does not take exactly one."""


def condition(
    column: FilterColumn, operator: Named, values: Sequence[Value], today: date
) -> ColumnElement[bool]:
    """A column compared with values. Raises BadInput if column, operator and values do not fit."""
    found = _operator(column, operator)
    _check_number(found, operator, values)
    if found is Op.RELATIVE:
        return within(column, relative(operator.name.lower(), today))
    if column.kind is Kind.DATE:
        return _of_dates(column, found, values)
    nullable = found in (Op.EQUAL, Op.UNEQUAL)
    return compared(column, found, [scalar(column.kind, value, nullable) for value in values])


def within(column: FilterColumn, wanted: Stretch) -> ColumnElement[bool]:
    """Whether a date is in a stretch of time; an unset date is in no stretch."""
    parts: list[ColumnElement[bool]] = []
    if wanted.start is not None:
        parts.append(column.filled >= _tick(column, wanted.start))
    if wanted.end is not None:
        parts.append(column.filled < _tick(column, wanted.end))
    if wanted.start is None or wanted.start <= 0:
        parts.append(column.value.is_not(None))
    return and_(*parts)


def compared(column: FilterColumn, operator: Op, values: Sequence[Scalar]) -> ColumnElement[bool]:
    """A column, but no date, compared with values; texts are compared without regard to case."""
    if operator in (Op.IS_NULL, Op.IS_NOT_NULL) or values[0] is None:
        wanted = operator in (Op.IS_NULL, Op.EQUAL)
        return column.value.is_(None) if wanted else column.value.is_not(None)
    if operator in (Op.ONE_OF, Op.NOT_ONE_OF):
        found = _any_of(column, values)
        return found if operator is Op.ONE_OF else found.is_not(true())
    value, sides = column.value, [_bound(each) for each in values]
    if column.kind is Kind.TEXT:
        if operator in _IN_TEXTS:
            return _IN_TEXTS[operator](value, str(values[0]))
        # The order of texts is byte by byte, as in lists.
        value = collate(func.lower(value), "C")
        sides = [func.lower(side) for side in sides]
    return _COMPARED[operator](value, *sides)


_COMPARED: Mapping[Op, Callable[..., ColumnElement[bool]]] = {
    Op.EQUAL: lambda value, side: value == side,
    Op.UNEQUAL: lambda value, side: value.is_distinct_from(side),
    Op.LESS: lambda value, side: value < side,
    Op.AT_MOST: lambda value, side: value <= side,
    Op.GREATER: lambda value, side: value > side,
    Op.AT_LEAST: lambda value, side: value >= side,
    Op.BETWEEN: lambda value, low, high: and_(value >= low, value <= high),
}
_IN_TEXTS: Mapping[Op, Callable[[ColumnElement[str], str], ColumnElement[bool]]] = {
    Op.CONTAINS: lambda value, part: value.icontains(part, autoescape=True),
    Op.NOT_CONTAINS: lambda value, part: value.icontains(part, autoescape=True).is_not(true()),
    Op.BEGINS: lambda value, part: value.istartswith(part, autoescape=True),
    Op.NOT_BEGINS: lambda value, part: value.istartswith(part, autoescape=True).is_not(true()),
    Op.ENDS: lambda value, part: value.iendswith(part, autoescape=True),
}


def _operator(column: FilterColumn, operator: Named) -> Op:
    name = operator.name.lower()
    found = OPERATORS[column.kind].get(name)
    if found is not None:
        return found
    if any(name in known for known in OPERATORS.values()):
        message = f"{operator.name!r} is not for {column.name}, which holds {column.kind.value},"
    else:
        message = f"There is no operator {operator.name!r}"
    raise refused(message, operator.at)


def _check_number(found: Op, operator: Named, values: Sequence[Value]) -> None:
    if found in (Op.ONE_OF, Op.NOT_ONE_OF):
        wanted, fits = "one value or more", len(values) > 0
    else:
        number = _VALUES.get(found, 1)
        wanted, fits = ("no value", "one value", "two values")[number], len(values) == number
    if not fits:
        raise refused(f"{operator.name!r} takes {wanted}", operator.at)


def _of_dates(column: FilterColumn, operator: Op, values: Sequence[Value]) -> ColumnElement[bool]:
    if not values or is_null(values[0]):
        if operator not in (Op.EQUAL, Op.UNEQUAL, Op.IS_NULL, Op.IS_NOT_NULL):
            raise refused("Expected a date, not null,", values[0].at)
        return compared(column, operator, [None])
    first, last = stretch(values[0]), stretch(values[-1])
    if not first.is_set and operator in (Op.EQUAL, Op.UNEQUAL, Op.EXACT):
        return compared(column, Op.UNEQUAL if operator is Op.UNEQUAL else Op.EQUAL, [None])
    match operator:
        case Op.LESS:
            return within(column, Stretch(None, first.start))
        case Op.AT_MOST:
            return within(column, Stretch(None, first.end))
        case Op.GREATER:
            return within(column, Stretch(first.end, None))
        case Op.AT_LEAST:
            return within(column, Stretch(first.start, None))
        case Op.EXACT:
            return within(column, Stretch(first.start, first.start + 1))
        case _:  # EQUAL, UNEQUAL, BETWEEN
            found = within(column, Stretch(first.start, last.end))
            return found.is_not(true()) if operator is Op.UNEQUAL else found


def _any_of(column: FilterColumn, values: Sequence[Scalar]) -> ColumnElement[bool]:
    if column.kind is not Kind.NUMBER or len(values) == 1:
        return or_(*(compared(column, Op.EQUAL, [value]) for value in dict.fromkeys(values)))
    return column.value == any_(literal(list(values), ARRAY(BigInteger())))


def _bound(value: Scalar) -> ColumnElement[Any]:
    match value:
        case bool():
            return literal(value)
        case int():
            # Wider than the column, so that no number in a filter is too large.
            return literal(value, BigInteger())
        case ChatSessionStatus():
            # A literal is safe: it is one of our own dozen words. A generic plan would not suit
            # all of them: few sessions wait, and many are closed.
            return literal_column(f"'{value}'", Text())
        case _:
            return literal(value, Text())


def _tick(column: FilterColumn, at: int) -> ColumnElement[Any]:
    if isinstance(column.value.type, BigInteger):
        return literal(at, BigInteger())
    return literal(moment(at), column.value.type)
