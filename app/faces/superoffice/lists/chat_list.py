"""Lists of chat sessions in the SuperOffice-style face: filtered, ordered, in pages."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from msgspec.structs import replace
from sqlalchemy import ColumnElement, DateTime, Integer, Text, case, literal_column, or_

from app.codecs.answer_budget import AnswerBudget
from app.codecs.json_text import BadInput
from app.codecs.value import Tree
from app.faces.superoffice.lists.columns import unread_members
from app.faces.superoffice.lists.filter import Asker, filtered
from app.faces.superoffice.lists.filter_columns import FILTER_COLUMNS
from app.faces.superoffice.lists.query import ListQuery, read_query
from app.faces.superoffice.lists.rows import next_link, write_list
from app.faces.superoffice.lists.skip_token import Key, day_of, read_token, write_token
from app.faces.superoffice.wire.api import MAX_ROWS_PER_PAGE
from app.history.moments import Cut
from app.queries.page import Order, Page, PageResult, whole_order
from app.queries.tables import CHAT_SESSIONS
from app.queries.views import Row, Views
from domain.chat.enums import ChatSessionStatus
from domain.chat.session import OPEN, ChatSession
from projections.fold import Folded

_TRANSFER_TO: ColumnElement[Any] = literal_column("'{transfer_to,AssociateId}'")
_IS_OPEN = CHAT_SESSIONS.columns["status"].in_(
    [literal_column(f"'{status}'", Text()) for status in sorted(OPEN)]
)


async def list_chat_sessions(
    views: Views,
    pairs: Sequence[tuple[str, str]],
    *,
    base_url: str,
    asker: Asker,
    budget: AnswerBudget | None = None,
    as_of: Cut | None = None,
) -> dict[str, Tree]:
    """The documented answer: `odata.metadata`, `odata.nextLink`, `value` with the rows.

    `pairs` are the decoded names and values of the query. `base_url` is the service's origin with
    everything before `/api/v1`, without a trailing slash. `as_of`: None for the present. Raises
    BadInput for any unknown part of the query; its `field` is the option at fault. Raises
    Unreadable, TooSlow, AnswerTooLarge, or StoreDown, too.
    """
    query = read_query(pairs)
    if as_of is not None and query.skip_token is not None:
        asker = replace(asker, today=day_of(query.skip_token) or asker.today)
    listed = await views.page(CHAT_SESSIONS, chat_sessions_page(query, asker), budget, as_of=as_of)
    link = None
    if listed.has_more and listed.last is not None:
        day = None if as_of is None else asker.today
        link = next_link(base_url, pairs, _token(query, listed, day))
    sessions = [row.folded for row in listed.items]
    return write_list(
        sessions, query, base_url=base_url, next_link=link, may_change=asker.may_change
    )


async def sessions_of(
    views: Views,
    associate_id: int,
    *,
    most: int = MAX_ROWS_PER_PAGE,
    unread: Sequence[str] = (),
    budget: AnswerBudget | None = None,
    as_of: Cut | None = None,
) -> list[Folded[ChatSession]]:
    """The open sessions that an agent has, is asked to take over, or may pick up.

    They are in the order of their numbers. If there are more than `most`, the latest of those that
    anybody may pick up are left out. `unread` has the stored names of the members that are not
    needed. Raises Unreadable, TooSlow, AnswerTooLarge, or StoreDown.
    """
    columns = CHAT_SESSIONS.columns
    asked = CHAT_SESSIONS.table.c.doc.op("#>>", return_type=Text())(_TRANSFER_TO)
    mine = or_(columns["user_associate_id"] == associate_id, asked == str(associate_id))
    waiting = columns["status"] == ChatSessionStatus.IN_QUEUE.value
    page = Page(
        order=[Order(case((mine, 0), else_=1)), Order(columns[CHAT_SESSIONS.key])],
        limit=most,
        filters=(_IS_OPEN, or_(mine, waiting)),
        counted=False,
        unread=unread,
    )
    listed = await views.page(CHAT_SESSIONS, page, budget, as_of=as_of)
    found = [row.folded for row in listed.items]
    return sorted(found, key=lambda session: session.state.chat_session_id)


def chat_sessions_page(query: ListQuery, asker: Asker) -> Page:
    """The page of the view that a query asks for. Raises BadInput."""
    orders = [Order(FILTER_COLUMNS[sort.column].filled, sort.descending) for sort in query.order]
    orders = orders or [Order(CHAT_SESSIONS.columns[CHAT_SESSIONS.key])]
    return Page(
        order=orders,
        limit=query.top,
        offset=query.skip,
        filters=() if query.filter is None else (filtered(query.filter, asker),),
        after=None if query.skip_token is None else _after(query.skip_token, query, orders),
        counted=False,
        unread=unread_members(query.select),
    )


def _token(query: ListQuery, listed: PageResult[Row], day: date | None) -> str:
    keys = [_written(key) for key in listed.last or ()]
    return write_token(_in_words(query), keys, day)


def _after(token: str, query: ListQuery, orders: Sequence[Order]) -> list[object]:
    columns = [order.by for order in whole_order(CHAT_SESSIONS, orders)]
    types = [int if isinstance(column.type, Integer) else str for column in columns]
    keys = read_token(token, _in_words(query), types)
    return [_read(key, column) for key, column in zip(keys, columns, strict=True)]


def _in_words(query: ListQuery) -> str:
    return ",".join(f"{sort.column}{' desc' * sort.descending}" for sort in query.order)


def _written(key: object) -> Key:
    match key:
        case int() | str():
            return key
        case datetime():
            return key.isoformat()
        case _:
            raise TypeError(f"A list cannot go on behind {key!r}")


def _read(key: Key, column: ColumnElement[Any]) -> object:
    if not isinstance(column.type, DateTime):
        return key
    try:
        at = datetime.fromisoformat(str(key))
        return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        message = "The $skiptoken holds no date where one belongs"
        raise BadInput(message, field="$skiptoken") from None
