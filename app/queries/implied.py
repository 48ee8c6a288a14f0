"""What filters say about a column, without asking the database."""

from collections.abc import Iterable, Sequence

from sqlalchemy import BinaryExpression, BooleanClauseList, Column, ColumnElement, Grouping
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import ClauseList, ColumnClause

Values = frozenset[str]


def implied_values(
    filters: Iterable[ColumnElement[bool]], column: Column[str]
) -> Sequence[str] | None:
    """Texts of which a row has one in a column if it passes all filters; None: it may have any.

    Only texts that are literals of the statement count.
    """
    found = _of_all(_implied(test, column) for test in filters)
    return None if found is None else sorted(found)


def _implied(test: object, column: Column[str]) -> Values | None:
    match test:
        case Grouping(element=inner):
            return _implied(inner, column)
        case BooleanClauseList(operator=operators.and_, clauses=parts):
            return _of_all(_implied(part, column) for part in parts)
        case BooleanClauseList(operator=operators.or_, clauses=parts):
            return _of_any(_implied(part, column) for part in parts)
        case BinaryExpression(operator=operators.eq, left=left, right=right) if left is column:
            return _text(right)
        case BinaryExpression(operator=operators.in_op, left=left, right=right) if left is column:
            return _of_any(map(_text, _members(right)))
        case _:
            return None


def _of_all(parts: Iterable[Values | None]) -> Values | None:
    known = [part for part in parts if part is not None]
    return frozenset.intersection(*known) if known else None


def _of_any(parts: Iterable[Values | None]) -> Values | None:
    found: Values = frozenset()
    for part in parts:
        if part is None:
            return None
        found |= part
    return found


def _members(listed: object) -> Iterable[object]:
    match listed:
        case Grouping(element=inner):
            return _members(inner)
        case ClauseList(clauses=parts):
            return parts
        case _:
            return [listed]


def _text(value: object) -> Values | None:
    match value:
        case ColumnClause(is_literal=True, name=str(text)):
            return frozenset([text.strip("'")])
        case _:
            return None
