"""The columns of a list of chat sessions, and the value of each one for a session.

They are those of SuperOffice's archive "ChatSession", as far as the view has their values. The
session's key opens the customer's side of the chat, so it is no column.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import Any, get_args
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import fields

from domain.chat.carriers import Carrier
from domain.chat.enums import ChatSessionStatus
from domain.chat.session import ChatSession
from domain.date_time import EMPTY, TICKS_PER_SECOND, DateTime, ticks, utc
from domain.ids import StreamId
from projections.fold import Audit, Folded

Session = Folded[ChatSession]
Raw = str | int | bool | None


class Kind(Enum):
    """The type of a column's values, which determines its operators."""

    NUMBER = "a number"
    TEXT = "text"
    TRUTH = "true or false"
    DATE = "a date"
    STATUS = "a status"


class ListColumn(Struct, frozen=True, kw_only=True):
    """One column."""

    kind: Kind
    raw: Callable[[Session], Raw]
    """The value behind the shown one; None for a session without a value."""
    shown: Callable[[Session], Raw]
    sortable: bool = True
    selectable: bool = True


class Carried(Struct, frozen=True):
    """A column that shows a member of a carrier, as the client gave it."""

    carrier: str
    """The session's field that holds the carrier."""
    member: str
    kind: Kind = Kind.TEXT
    sortable: bool = True

    def raw(self, session: Session) -> Raw:
        """The member's value; None if it or the whole carrier was not given."""
        value: Raw | UnsetType = getattr(getattr(session.state, self.carrier), self.member, None)
        return None if value is UNSET else value


CARRIERS: Mapping[str, type[Carrier]] = {
    field.encode_name: kind
    for field in fields(ChatSession)
    for kind in get_args(field.type)
    if isinstance(kind, type) and issubclass(kind, Carrier)
}
"""The carriers of a session, by their stored names."""
CARRIED: Mapping[str, Carried] = {
    "contactId": Carried("contact", "contact_id", Kind.NUMBER),
    "personId": Carried("person", "person_id", Kind.NUMBER),
    "associate/fullName": Carried("user", "full_name"),
    "associate/personId": Carried("user", "person_id", Kind.NUMBER, sortable=False),
    "associate/assocName": Carried("user", "name"),
    "associate/assocTooltip": Carried("user", "tooltip", sortable=False),
    "associate/ejUserId": Carried("user", "ej_user_id", Kind.NUMBER, sortable=False),
    "associate/userName": Carried("user", "user_name"),
    "associate/usergroupId": Carried("user", "group_idx", Kind.NUMBER),
    "person/personId": Carried("person", "person_id", Kind.NUMBER),
    "person/firstName": Carried("person", "firstname"),
    "person/middleName": Carried("person", "middle_name"),
    "person/lastName": Carried("person", "lastname"),
    "person/fullName": Carried("person", "full_name"),
    "person/contactId": Carried("person", "contact_id", Kind.NUMBER),
    "person/mrMrs": Carried("person", "mrmrs"),
    "person/position": Carried("person", "position"),
    "person/personNumber": Carried("person", "person_number"),
    "person/title": Carried("person", "title"),
    "person/personCountryId": Carried("person", "country_id", Kind.NUMBER),
    "person/rank": Carried("person", "rank", Kind.NUMBER),
    "contact/contactId": Carried("contact", "contact_id", Kind.NUMBER),
    "contact/name": Carried("contact", "name"),
    "contact/department": Carried("contact", "department"),
    "contact/associateId": Carried("contact", "associate_id", Kind.NUMBER),
    "contact/country": Carried("contact", "country_name"),
    "contact/countryId": Carried("contact", "country_id", Kind.NUMBER),
    "contact/number": Carried("contact", "number1"),
    "contact/orgnr": Carried("contact", "org_nr"),
}
"""Columns of carriers, by name."""

STATUS_SHOWN: Mapping[ChatSessionStatus, str] = {
    ChatSessionStatus.INVALID: "Invalid",
    ChatSessionStatus.PRE_CHAT_FORM: "Pre-chat form",
    ChatSessionStatus.FAQ: "FAQ link",
    ChatSessionStatus.OFFLINE_FORM: "Offline form",
    ChatSessionStatus.IN_QUEUE: "Waiting",
    ChatSessionStatus.CUSTOMER_LAST: "Waiting for agent",
    ChatSessionStatus.USER_LAST: "Waiting for customer",
    ChatSessionStatus.FINISHED: "Finished",
    ChatSessionStatus.DELETED: "Deleted",
    ChatSessionStatus.CLOSED: "Closed",
    ChatSessionStatus.REQUEST_POSTED: "Request posted",
    ChatSessionStatus.CLOSED_FROM_QUEUE: "Closed in queue",
}
"""The names of each status in lists (SuperOffice: mdo-providers/reference/chatsessionstatus)."""
TYPE = "Chat"
"""The type of a session among activities of all types."""


def _column(
    kind: Kind,
    raw: Callable[[Session], Raw],
    shown: Callable[[Session], Raw] | None = None,
    *,
    sortable: bool = True,
    selectable: bool = True,
) -> ListColumn:
    return ListColumn(
        kind=kind, raw=raw, shown=shown or raw, sortable=sortable, selectable=selectable
    )


def _agent(session: Session) -> Raw:
    return CARRIED["associate/fullName"].raw(session) or CARRIED["associate/assocName"].raw(session)


def _associate_id(session: Session) -> Raw:
    return Carried("user", "associate_id").raw(session)


def _login(session: Session) -> Raw:
    return CARRIED["associate/assocName"].raw(session) or _associate_id(session)


def _seconds(start: DateTime, end: DateTime) -> int | None:
    first, last = (0 if text == EMPTY else ticks(text) for text in (start, end))
    if first == 0 or last == 0:
        return None
    return max(last - first, 0) // TICKS_PER_SECOND


COLUMNS: Mapping[str, ListColumn] = {
    "getAllRows": _column(Kind.TRUTH, lambda _: True, sortable=False, selectable=False),
    "getNoRows": _column(Kind.TRUTH, lambda _: False, sortable=False, selectable=False),
    "chatSessionId": _column(Kind.NUMBER, lambda row: row.state.chat_session_id),
    "firstMessage": _column(Kind.TEXT, lambda row: row.state.first_message),
    "lastMessage": _column(Kind.TEXT, lambda row: row.state.last_message),
    "whenRequested": _column(Kind.DATE, lambda row: row.state.when_requested),
    "whenStarted": _column(Kind.DATE, lambda row: row.state.when_started),
    "whenEnded": _column(Kind.DATE, lambda row: row.state.when_ended),
    "duration": _column(
        Kind.NUMBER,
        lambda row: _seconds(row.state.when_started, row.state.when_ended),
        sortable=False,
    ),
    "timeInQueue": _column(
        Kind.NUMBER, lambda row: _seconds(row.state.when_requested, row.state.when_started)
    ),
    "queueLength": _column(Kind.NUMBER, lambda row: row.state.initial_queue_pos),
    "rating": _column(Kind.NUMBER, lambda row: row.state.rating),
    "agent": _column(Kind.TEXT, _agent),
    "status": _column(
        Kind.STATUS, lambda row: row.state.status.number, lambda row: STATUS_SHOWN[row.state.status]
    ),
    "date": _column(Kind.DATE, lambda row: row.state.when_requested),
    "type": _column(Kind.TEXT, lambda _: TYPE),
    "recordTypeText": _column(Kind.TEXT, lambda _: TYPE),
    "text": _column(Kind.TEXT, lambda row: row.state.first_message),
    "associateId": _column(Kind.NUMBER, _associate_id, _login),
    "updatedDate": _column(Kind.DATE, lambda row: utc(row.audit.modified_at)),
    "registeredDate": _column(Kind.DATE, lambda row: utc(row.audit.created_at)),
    "chatTopic/chatTopicId": _column(Kind.NUMBER, lambda row: row.state.topic_id),
    **{
        name: _column(carried.kind, carried.raw, sortable=carried.sortable)
        for name, carried in CARRIED.items()
    },
}
"""All columns by name; durations are in seconds."""
BY_NAME: Mapping[str, str] = {name.lower(): name for name in COLUMNS} | {
    "chattopicid": "chatTopic/chatTopicId"
}
"""The spelling of each column's name, by its lower-case form."""


class _Watched:
    """A default session that records which of its members are read."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._session = ChatSession()

    def __getattr__(self, name: str) -> object:
        self.seen.add(name)
        return getattr(self._session, name)


@lru_cache(128)
def _members(name: str) -> frozenset[str]:
    """The fields of a session from which a column takes its value."""
    state = _Watched()
    session: Folded[Any] = Folded(
        stream=StreamId(UUID(int=0)), partition=0, version=0, position=0, audit=_NOBODY, state=state
    )
    COLUMNS[name].raw(session)
    COLUMNS[name].shown(session)
    return frozenset(state.seen)


@lru_cache(256)
def unread_members(columns: tuple[str, ...]) -> tuple[str, ...]:
    """The possibly large members of a session's document that the given columns do not need.

    The result has their stored names, which are those of carriers. Removing smaller members would
    not pay.
    """
    return tuple(sorted(CARRIERS.keys() - set[str]().union(*map(_members, columns))))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOBODY = Audit(created_by="", created_at=_EPOCH, modified_by="", modified_at=_EPOCH)
_UNSAFE = re.compile(r"\W", re.ASCII)


def json_safe(name: str) -> str:
    """A column's name in letters, digits and `_` only."""
    return _UNSAFE.sub("_", name)
