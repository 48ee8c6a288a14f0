"""The log as reading commands see it: in a database, or behind a running service."""

from collections.abc import AsyncIterator
from typing import Protocol

from msgspec import Struct

from app.history.one_event import Event
from app.history.sessions import Difference, FieldLife


class Filters(Struct, frozen=True, kw_only=True):
    """The events to look for, as a person gave them."""

    actor: str | None = None
    type: str | None = None
    operation: str | None = None
    face: str | None = None
    session: str | None = None
    account: str | None = None
    field: str | None = None
    client: str | None = None
    request: str | None = None
    since: str | None = None
    until: str | None = None
    reverse: bool = False


class Account(Struct, frozen=True):
    """An account as commands show it."""

    id: str
    name: str


class Source(Protocol):
    """Answers the questions of auditors.

    All raise BadInput for a moment or a value that is not taken, and NotFound for a session or an
    event that is not there.
    """

    has_more: bool
    """Whether there were more events than the last `find` was to give."""

    def find(self, filters: Filters, limit: int) -> AsyncIterator[Event]:
        """The first events that fit, with what they changed."""

    def follow(self, after: str | None) -> AsyncIterator[Event]:
        """All events after a position, or after the present, as they come; without an end."""

    async def event(self, named: str) -> Event:
        """The event at a position or with an id, with all parts."""

    def history(self, session: str, as_of: str | None) -> AsyncIterator[Event]:
        """The events of a session up to a moment, oldest first, with all parts."""

    async def state(self, session: str, as_of: str | None) -> Event:
        """The last event of a session up to a moment, with all parts."""

    async def difference(self, session: str, from_: str, to: str) -> Difference:
        """The fields that differ between two moments."""

    async def life_of(self, session: str, field: str, as_of: str | None) -> FieldLife:
        """All events that set a field."""
