"""What an erasure was about: streams, positions, fields and keys; nothing of it is personal."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct, field

from app.history.names import api_name
from app.log.codec import BOXES
from app.log.stream_keys import BITS, bundle
from domain.event import Event, Subject, kind_of
from domain.stored import EVENTS

KEPT = (
    "The events themselves, with the names of the erased fields, their times and the names of the "
    "users who acted: the log is whole, and every proof of it stays valid.",
    "What is known of each request: its time, its operation, its trace, the id that the service "
    "gave it, and the roles of who acted. The caller's address and the ids that the caller gave "
    "went with the keys; events from before these were sealed have them in the clear.",
    "Who was active on which day (activity_actor): names of users, and nothing of a session's "
    "customer.",
    "The keyed hashes by which retries of a command are recognised, and the tokens that clients "
    "gave for that.",
)
"""What stays, and why."""
COVERS = (
    "Sessions, open and deleted: their events, the rows of their views, and all versions of these; "
    "and rows in the tables of rebuilds: those put aside for the way back, and those being filled, "
    "also by a rebuild that was broken off. No receipt is whole before that is done. "
    "Of a person: all sessions that hold the address now, or held it. Not covered: users of the "
    "service and accounts of that name, what clients keep, and copies of the database."
)
CACHES = (
    "No worker answers with what it had in memory, since an answer compares the keys and the last "
    "event of the stream; each forgets it within seconds."
)


class Scope(Struct, frozen=True, kw_only=True, rename="camel"):
    """The part of an erasure that is about one subject of a stream."""

    subject: Subject
    key_id: str | None
    """Names the key that was erased, and tells nothing of it; null: there was none."""
    fields: list[str]
    """The names, in the API, of the fields of events whose values are gone."""
    events: int
    """The number of events that had such fields."""
    positions: list[str]
    """The positions of these events in order: `0:17`, or `0:17-19` for all from 17 to 19."""


class ErasedSession(Struct, frozen=True, kw_only=True, rename="camel"):
    """What was erased of a session."""

    session_id: str
    kind: str
    stream: str
    scopes: list[Scope]
    fence: str
    """The position of the event that says so: from there on, no such key is made again."""
    version: int
    event_id: str
    recorded_at: str
    erasure_id: str
    """Of the erasure that did it: an earlier one, if nothing was left to erase."""
    views: list[str]
    """The tables whose rows were rewritten, with those of their histories."""


class Erased(Struct, frozen=True, kw_only=True, rename="camel"):
    """An erasure as it was carried out."""

    erasure_id: str
    asked_by: str
    approved_by: str | None = None
    """The second person whom the first one named; None: nobody."""
    reason: str
    sessions: list[ErasedSession]
    mentioned: Sequence[str] = ()
    """Chats of customers with another address, in which the one that was looked for was said or
    stands in a field: they are left alone. Whoever wants them erased names them.
    """
    covers: str = COVERS
    caches: str = CACHES
    kept: Sequence[str] = KEPT


class _Names(Struct):
    fields: list[str] = []


class _Boxes(Struct):
    sealed: _Names = field(default_factory=_Names)
    sealed_agent: _Names = field(default_factory=_Names)


_DECODER = msgspec.json.Decoder(_Boxes)


class Found(Struct):
    """What the events of a stream have of one subject."""

    fields: dict[str, None] = {}
    ranges: list[list[int]] = []
    """Of positions: the first and the last of each."""
    events: int = 0

    def add(self, names: Iterable[str], position: int) -> None:
        """Count an event, after those before it."""
        self.fields |= dict.fromkeys(names)
        self.events += 1
        if self.ranges and self.ranges[-1][1] == position - 1:
            self.ranges[-1][1] = position
        else:
            self.ranges.append([position, position])


def add_event(found: Mapping[Subject, Found], topic: str, state: bytes, position: int) -> None:
    """Take up an event of a stream as it is stored."""
    try:
        boxes = _DECODER.decode(state)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return  # it is damaged: nothing of it opens anyway
    kind, holder = kind_of(topic), EVENTS.get(topic, Event)
    for member, subject in BOXES.items():
        names = getattr(boxes, member).fields
        if names and subject in found:
            shown = [api_name(kind, holder, name) for name in names]
            found[subject].add(shown, position)


def scope_of(subject: Subject, found: Found, keys: bytes | None, partition: int) -> Scope:
    """The scope of an erasure; `keys`: the stored form of the stream's keys before it."""
    wrapped = None if keys is None else bundle(keys).parts.get(BITS[subject])
    return Scope(
        subject=subject,
        key_id=None if wrapped is None else hashlib.sha256(wrapped).hexdigest()[:16],
        fields=list(found.fields),
        events=found.events,
        positions=[
            f"{partition}:{first}" if first == last else f"{partition}:{first}-{last}"
            for first, last in found.ranges
        ],
    )
