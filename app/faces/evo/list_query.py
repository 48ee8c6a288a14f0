"""Lists of the ServiceStack-style face: filtered, in one order, in numbered pages.

Without a sort field, the oldest items come first (Evo documents no order). Items that are created
while a client turns the pages then come last, and shift no item from one page to another.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, any_, false, literal
from sqlalchemy.dialects.postgresql import ARRAY

from app.codecs.answer_budget import AnswerBudget
from app.codecs.json_text import BadInput
from app.faces.evo.wire.requests import ITEMS_PER_PAGE, MAX_ITEMS_PER_PAGE
from app.history.moments import Cut
from app.queries.page import Order, Page, PageResult
from app.queries.tables import ACCOUNTS, AI_SESSIONS
from app.queries.views import Row, Views
from domain.ids import AISessionId, ai_session_stream

_Columns = Mapping[str, ColumnElement[Any]]

_BY_CREATION = "dateCreated"


class ListQuery(Struct, frozen=True, kw_only=True):
    """The wanted page and order; the fields are those of the documented ListRequest."""

    page: int = 0
    """Counts from 0. A page beyond the last one is empty; each one costs as much as all before."""
    count_per_page: int | None = None
    """None or 0: ITEMS_PER_PAGE. The maximum is MAX_ITEMS_PER_PAGE."""
    all: bool = False
    """Whether a page has the maximum size."""
    specific_ids: Sequence[str] = ()
    """Only items with these ids; empty: all."""
    sort_field: str | None = None
    """A member of the listed DTO, in any case."""
    descending: bool = False
    simplified: bool = False
    """Do not count the items: counting takes longest in a large view."""

    @property
    def items_a_page(self) -> int:
        """How many items a full page has."""
        if self.all:
            return MAX_ITEMS_PER_PAGE
        return min(self.count_per_page or ITEMS_PER_PAGE, MAX_ITEMS_PER_PAGE)


class AISessionsQuery(ListQuery, frozen=True, kw_only=True):
    """The wanted AI sessions."""

    account_ids: Sequence[str] = ()
    """Only sessions of these accounts; empty: all."""


class AccountsQuery(ListQuery, frozen=True, kw_only=True):
    """The wanted accounts."""

    name_filter: str | None = None
    """Only accounts whose name contains this text, in any case; None or empty: all."""


async def list_ai_sessions(
    views: Views,
    wanted: AISessionsQuery,
    budget: AnswerBudget | None = None,
    as_of: Cut | None = None,
) -> PageResult[Row]:
    """A page of AI sessions; `as_of`: None for the present.

    Raises BadInput for an unknown sort field, Unreadable, TooSlow, AnswerTooLarge, or StoreDown.
    """
    filters: list[ColumnElement[bool]] = []
    if wanted.account_ids:
        filters.append(_one_of(AI_SESSIONS.columns["account_id"], _storable(wanted.account_ids)))
    if wanted.specific_ids:
        named = (ai_session_stream(AISessionId(text)) for text in wanted.specific_ids)
        streams = [stream for stream in named if stream is not None]
        partitions = {views.partition(stream) for stream in streams}
        # Both columns, as in the primary key.
        filters.append(_one_of(AI_SESSIONS.table.c.partition, partitions))
        filters.append(_one_of(AI_SESSIONS.columns["stream_id"], streams))
    page = _page(wanted, _AI_SESSION_MEMBERS, filters)
    return await views.page(AI_SESSIONS, page, budget, as_of=as_of)


async def list_accounts(
    views: Views,
    wanted: AccountsQuery,
    budget: AnswerBudget | None = None,
    as_of: Cut | None = None,
) -> PageResult[Row]:
    """A page of accounts; `as_of`: None for the present. Raises as `list_ai_sessions` does."""
    filters: list[ColumnElement[bool]] = []
    if wanted.name_filter:
        name = ACCOUNTS.columns["name"]
        storable = bool(_storable([wanted.name_filter]))
        filters.append(name.icontains(wanted.name_filter, autoescape=True) if storable else false())
    if wanted.specific_ids:
        filters.append(_one_of(ACCOUNTS.columns["account_id"], _storable(wanted.specific_ids)))
    page = _page(wanted, _ACCOUNT_MEMBERS, filters)
    return await views.page(ACCOUNTS, page, budget, as_of=as_of)


def _entity_members(columns: _Columns, key: str) -> dict[str, ColumnElement[Any]]:
    return {
        "id": columns[key],
        _BY_CREATION: columns["created_at"],
        "dateLastModified": columns["modified_at"],
        "createdBy": columns["created_by"],
        "lastModifiedBy": columns["modified_by"],
    }


_AI_SESSION_MEMBERS: _Columns = {
    "accountId": AI_SESSIONS.columns["account_id"],
    "accountName": AI_SESSIONS.columns["account_name"],
    "purpose": AI_SESSIONS.columns["purpose"],
    **_entity_members(AI_SESSIONS.columns, "stream_id"),
}
_ACCOUNT_MEMBERS: _Columns = {
    "name": ACCOUNTS.columns["name"],
    **_entity_members(ACCOUNTS.columns, "account_id"),
}


def _page(wanted: ListQuery, members: _Columns, filters: Sequence[ColumnElement[bool]]) -> Page:
    return Page(
        order=[Order(_sorted_by(wanted.sort_field, members), wanted.descending)],
        limit=wanted.items_a_page,
        offset=wanted.page * wanted.items_a_page,
        filters=filters,
        counted=not wanted.simplified,
    )


def _sorted_by(field: str | None, members: _Columns) -> ColumnElement[Any]:
    wanted = (field or _BY_CREATION).lower()
    for name, column in members.items():
        if name.lower() == wanted:
            return column
    raise BadInput(f"sortField must be one of {', '.join(members)}", field="sortField")


def _one_of(column: ColumnElement[Any], values: Iterable[object]) -> ColumnElement[bool]:
    wanted = list(dict.fromkeys(values))
    if len(wanted) == 1:
        return column == wanted[0]  # so that an index returns the rows in order
    return column == any_(literal(wanted, ARRAY(column.type)))


def _storable(texts: Sequence[str]) -> list[str]:
    """The texts that PostgreSQL can hold: no row has any other."""
    return [text for text in texts if "\0" not in text]
