"""Entries of an append: events and view rows, in the form that the database takes."""

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from app.log.stream_keys import StreamKeys
from domain.event import Event
from domain.ids import StreamId

# (gc=False here and for other values of one command: they form no cycles, and a collector that
# looked at a dozen for each command would take a tenth of its time.)


class NewEvent(Struct, frozen=True, gc=False):
    """An event as it is stored."""

    topic: str
    state: bytes
    event_id: UUID


class Row(Struct, frozen=True, gc=False):
    """A row of a view that does not hold the current state of its kind."""

    view: str
    """Its table."""
    doc: str | None
    """As `PreparedAppend.doc`."""
    search: str | None
    """As `PreparedAppend.search`."""


class Context(Struct, frozen=True, kw_only=True, gc=False):
    """The actor, the kind and the origin of commands: equal for most commands of a batch."""

    actor: str
    metadata: str
    """JSON object: the facts of the call, as they are stored."""
    view: str
    """Table that holds the current states of the commands' streams."""
    account: str | None = None
    """Account whose present name the answers show."""


class PreparedAppend(Struct, frozen=True, kw_only=True, gc=False):
    """One command's append: its events, the rows of its views, its idempotency key."""

    context: Context
    """Its metadata are those that anybody may read."""
    personal: Mapping[str, str] = {}
    """Further facts of the call, which are sealed for the stream."""
    stream: StreamId
    expected: int
    """Version that the stream must have; 0: it must not exist."""
    last: UUID | None = None
    """Id of the event that this version must be; None: any."""
    events: Sequence[Event]
    keys: StreamKeys | None = None
    """Keys of the stream's personal data; None: the stream has none yet."""
    doc: str | None
    """JSON object for the row in `context.view`; None deletes the row. Ignored without events."""
    search: str | None = None
    """JSON object of further values to search the row by; None: no such values."""
    further: Sequence[Row] = ()
    """Rows of the other views; ignored, too, without events."""
    key: str | None = None
    fingerprint: bytes | None = None


class Entry(Struct, frozen=True, gc=False):
    """An append in the form that the database takes."""

    prepared: PreparedAppend
    events: Sequence[NewEvent]
    """The events of the append, encoded and sealed."""
    context: Context
    """That of the append, with the personal facts sealed."""
    keys: StreamKeys | None = None
    """They seal the personal data of the events."""
    sealing_key: bytes | None = None
    """Their stored form, if they are new."""


def rewrapped(
    entries: Sequence[Entry], rewrap: Callable[[StreamId, bytes], bytes]
) -> Sequence[Entry]:
    """The entries with their new keys wrapped by another master key."""
    return [
        entry
        if entry.sealing_key is None
        else replace(entry, sealing_key=rewrap(entry.prepared.stream, entry.sealing_key))
        for entry in entries
    ]
