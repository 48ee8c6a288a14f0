"""The views for lists: their columns to filter and order by. Nothing here runs SQL."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    DateTime,
    FromClause,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
    literal_column,
    null,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from projections import account_info, ai_session_info, chat_session_entity
from projections.view import View

_METADATA = MetaData()


class ListTable(Struct, frozen=True, kw_only=True):
    """A view that lists are read from."""

    table: Table
    """As the migrations create it, with the envelope first."""
    columns: Mapping[str, ColumnElement[Any]]
    """Columns to filter and order by, under their names in the code; each knows its SQL type."""
    key: str = "stream_id"
    """The unique one of these columns: it orders rows that are equal in all others."""
    row_key: Sequence[str] = ("partition", "stream_id", "version")
    """Columns that identify a row among all past ones; an index has them."""
    account_name: Callable[[FromClause], ColumnElement[Any]] = lambda _: null()
    """For rows of the table: the name of each row's account."""

    constant: Collection[Column[Any]] = ()
    """Columns that all rows of a stream agree in, the past ones included."""
    rising: Mapping[str, str] = {}
    """The values by which lists show the latest rows first, by their columns.

    Each column is in `history_reach`, too.
    """
    indexed: Collection[str] = ()
    """Columns by whose values indexes find past rows."""
    passing: Column[str] | None = None
    """A column in which some values soon give way to others; `lasted` of past rows goes by it."""

    @property
    def views(self) -> Sequence[str]:
        """All views that a page is made of."""
        return list(dict.fromkeys((self.table.name, _ACCOUNTS.name)))


def _table(view: View, *generated: Column[Any]) -> Table:
    """A table with every view's envelope, and the columns generated from its documents."""
    return Table(
        view.name,
        _METADATA,
        Column("stream_id", Uuid, nullable=False),
        Column("partition", Integer, nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("position", BigInteger, nullable=False),
        Column("created_by", Text, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False),
        Column("modified_by", Text, nullable=False),
        Column("modified_at", DateTime(timezone=True), nullable=False),
        Column("doc", JSONB, nullable=False),
        *generated,
    )


def _sought(table: Table) -> dict[str, ColumnElement[Any]]:
    """All columns but the document and those of its place in the log."""
    unsought = {"partition", "version", "position", "doc"}
    return {column.name: column for column in table.c if column.name not in unsought}


def _account_name(rows: FromClause) -> ColumnElement[Any]:
    return (
        select(_ACCOUNTS.c.name)
        .where(_ACCOUNTS.c.account_id == rows.c.account_id)
        .limit(literal_column("1"))
        .scalar_subquery()
    )


_ACCOUNTS = _table(
    account_info.VIEW,
    Column("account_id", Text, nullable=False),
    Column("name", Text, nullable=False),
)
_AI_SESSIONS = _table(ai_session_info.VIEW, Column("account_id", Text))
_CHAT_SESSIONS = _table(
    chat_session_entity.VIEW,
    Column("chat_session_id", Integer, nullable=False),
    Column("status", Text, nullable=False),
    *(Column(name, Integer) for name in ("topic_id", "user_associate_id", "person_id")),
    *(Column(name, Integer) for name in ("contact_id", "rating")),
    *(Column(name, BigInteger) for name in ("when_requested", "when_started", "when_ended")),
)

ACCOUNTS = ListTable(table=_ACCOUNTS, columns=_sought(_ACCOUNTS), indexed=("account_id",))
AI_SESSIONS = ListTable(
    table=_AI_SESSIONS,
    constant=frozenset(
        (_AI_SESSIONS.c.partition, _AI_SESSIONS.c.stream_id, _AI_SESSIONS.c.account_id)
    ),
    rising={"created_at": "h.created_at"},
    indexed=("stream_id", "account_id", "created_at"),
    account_name=_account_name,
    columns={
        **_sought(_AI_SESSIONS),
        "account_name": _account_name(_AI_SESSIONS),
        "purpose": _AI_SESSIONS.c.doc.op("->>", return_type=Text())(literal_column("'purpose'")),
    },
)
CHAT_SESSIONS = ListTable(
    table=_CHAT_SESSIONS,
    key="chat_session_id",
    row_key=("chat_session_id", "position"),
    rising={
        "chat_session_id": "h.chat_session_id",
        "when_requested": "coalesce(h.when_requested, 0)",
    },
    indexed=("chat_session_id", "when_requested", "status", "person_id", "contact_id"),
    passing=_CHAT_SESSIONS.c.status,
    columns=_sought(_CHAT_SESSIONS),
)
