"""The columns of lists of chat sessions as expressions over their view. Nothing here runs SQL."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import fields
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Integer,
    Text,
    case,
    cast,
    func,
    literal_column,
)

from app.faces.superoffice.lists.columns import CARRIED, CARRIERS, COLUMNS, TYPE, Carried, Kind
from app.queries.tables import CHAT_SESSIONS
from domain.date_time import TICKS_PER_SECOND

SORTED_CHARACTERS = 100
"""Characters of a text that determine its order; sessions that agree in these follow by number."""

_C = CHAT_SESSIONS.columns
_DOC = CHAT_SESSIONS.table.c.doc


class FilterColumn(Struct, frozen=True):
    """A column for filters and orders of lists."""

    name: str
    kind: Kind
    value: ColumnElement[Any]
    """Null for a session without a value. A status is a name; a date is in ticks or a timestamp."""

    @property
    def filled(self) -> ColumnElement[Any]:
        """The value without nulls: sessions without one come first. The indexes use this."""
        match self.value.type:
            case DateTime():
                return self.value
            case Text() if self.kind is Kind.TEXT:
                start = func.left(self.value, literal_column(str(SORTED_CHARACTERS)), type_=Text())
                return func.coalesce(start, literal_column("''", Text()))
            case BigInteger() if self.kind is Kind.DATE:
                return func.coalesce(self.value, literal_column("0", BigInteger()))
            case Integer() if getattr(self.value, "nullable", True):
                least = literal_column("(-9223372036854775808)", BigInteger())
                return func.coalesce(cast(self.value, BigInteger), least)
            case _:
                return self.value


def _text(path: str) -> ColumnElement[Any]:
    return _DOC.op("#>>", return_type=Text())(literal_column(f"'{{{path}}}'"))


def _carried(carried: Carried) -> ColumnElement[Any]:
    names = {field.name: field.encode_name for field in fields(CARRIERS[carried.carrier])}
    found = _text(f"{carried.carrier},{names[carried.member]}")
    return cast(found, Integer) if carried.kind is Kind.NUMBER else found


def _seconds(start: ColumnElement[Any], end: ColumnElement[Any]) -> ColumnElement[Any]:
    passed = (end - start) // literal_column(str(TICKS_PER_SECOND), BigInteger())
    return case((end >= start, passed), (end < start, literal_column("0", BigInteger())))


_VALUES: Mapping[str, ColumnElement[Any]] = {
    **{name: _carried(carried) for name, carried in CARRIED.items()},
    "getAllRows": literal_column("true"),
    "getNoRows": literal_column("false"),
    "chatSessionId": _C["chat_session_id"],
    "firstMessage": _text("first_message"),
    "lastMessage": _text("last_message"),
    "whenRequested": _C["when_requested"],
    "whenStarted": _C["when_started"],
    "whenEnded": _C["when_ended"],
    "duration": _seconds(_C["when_started"], _C["when_ended"]),
    "timeInQueue": _seconds(_C["when_requested"], _C["when_started"]),
    "queueLength": cast(_text("initial_queue_pos"), Integer),
    "rating": _C["rating"],
    "agent": func.coalesce(
        func.nullif(_text("user,FullName"), literal_column("''"), type_=Text()), _text("user,Name")
    ),
    "status": _C["status"],
    "date": _C["when_requested"],
    "type": literal_column(f"'{TYPE}'", Text()),
    "recordTypeText": literal_column(f"'{TYPE}'", Text()),
    "text": _text("first_message"),
    "associateId": _C["user_associate_id"],
    "contactId": _C["contact_id"],
    "personId": _C["person_id"],
    "updatedDate": _C["modified_at"],
    "registeredDate": _C["created_at"],
    "chatTopic/chatTopicId": _C["topic_id"],
}
FILTER_COLUMNS: Mapping[str, FilterColumn] = {
    name: FilterColumn(name, column.kind, _VALUES[name]) for name, column in COLUMNS.items()
}
"""All columns by name."""
