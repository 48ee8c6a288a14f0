"""A page of a view: its rows, their order, and what came of it. Nothing here runs SQL."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from msgspec import Struct
from sqlalchemy import ColumnElement, Text, collate

from app.queries.tables import ListTable

MAX_OFFSET = 2**31 - 1
"""No view has more rows, so no row lies behind it."""

T = TypeVar("T")


class Order(Struct, frozen=True):
    """One column to order by; nulls come first, or last if `descending`."""

    by: ColumnElement[Any]
    descending: bool = False

    @property
    def key(self) -> ColumnElement[Any]:
        """The compared value. Texts compare byte by byte: a locale can change and so move a row."""
        return collate(self.by, "C") if isinstance(self.by.type, Text) else self.by


class Page(Struct, frozen=True, kw_only=True):
    """Selects rows of a view, and their order.

    Rows before `offset` are read and thrown away: a page costs as much as all before it together.
    """

    order: Sequence[Order]
    """At least one. Rows that are equal in it are in the order of the listable's key."""
    limit: int
    """Maximum number of rows; less than `MAX_OFFSET`."""
    offset: int = 0
    filters: Sequence[ColumnElement[bool]] = ()
    """All must hold; expressions over the view's columns."""
    after: Sequence[object] | None = None
    """Only rows behind the one with these keys (`PageResult.last` of the page before).

    Unlike with `offset`, rows that come or go meanwhile move no other row to another page, and the
    rows before are not read. A row is seen twice or not at all only if it moves in the order
    itself. No column of the order may ever be null.
    """
    counted: bool = True
    """Whether to count the rows of all pages: this reads every row that passes the filters."""
    unread: Sequence[str] = ()
    """Members of the documents, by their stored names, to leave out of the rows."""


class PageResult(Struct, Generic[T], frozen=True, kw_only=True):
    """One page."""

    items: list[T]
    total: int | None
    """Number of rows on all pages; None if they were not counted."""
    has_more: bool
    last: tuple[object, ...] | None = None
    """The last item's values in the columns of the order; None for a page without items."""


def whole_order(listable: ListTable, order: Sequence[Order]) -> list[Order]:
    """An order that distinguishes all rows, so that none is on two pages.

    Rows that are equal in all of `order` (at least one) are in the order of the listable's key.
    """
    key = listable.columns[listable.key]
    for number, each in enumerate(order):
        if each.by is key:
            return list(order[: number + 1])
    return [*order, Order(key, order[-1].descending)]
