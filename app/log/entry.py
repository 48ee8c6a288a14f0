"""What an append writes: entries of events and rows, as the database takes them."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from app.log.keyring import StreamCipher
from domain.ids import StreamId


class NewEvent(Struct, frozen=True):
    """An event as it is stored."""

    topic: str
    state: bytes
    event_id: UUID


class Row(Struct, frozen=True):
    """A row of a view that is not the current state of its kind."""

    view: str
    """Its table."""
    doc: str | None
    """As `Entry.doc`."""
    search: str | None
    """As `Entry.search`."""


class Context(Struct, frozen=True, kw_only=True):
    """Who gives commands of which kind, from where: equal for most commands of a batch."""

    actor: str
    metadata: str
    """JSON object."""
    view: str
    """Table of the rows that are the commands' current states."""
    account: str | None = None
    """Account whose present name the answers show."""


class Entry(Struct, frozen=True, kw_only=True):
    """What one command appends: its events, its rows in the views, its idempotency key."""

    context: Context

    stream: StreamId
    expected: int
    """Version that the stream must have; 0: it must not exist."""
    last: UUID | None = None
    """Id of the event that this version must be; None: any."""
    events: Sequence[NewEvent]
    doc: str | None
    """Of the row in `context.view`, a JSON object; None takes it away. Counts only with events."""
    search: str | None = None
    """What the row is searched by beside it, a JSON object; None: nothing."""
    further: Sequence[Row] = ()
    """Of the other views; these, too, count only with events."""
    cipher: StreamCipher | None = None
    """What its events' personal fields are sealed with; it is not stored."""
    sealing_key: bytes | None = None
    """The cipher's key, wrapped, if it is a new one."""
    key: str | None = None
    fingerprint: bytes | None = None
