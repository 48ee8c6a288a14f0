"""The terms by which events are found: what each is about, as keyed hashes.

The index holds no value in the clear: who reads it without the master key learns neither an actor
nor an address.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import compress
from operator import attrgetter, is_not
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from app.history.viewed import streams_viewed
from app.log.audited import AuditedEvent
from app.log.codec import BOXES
from app.log.facts import is_shown
from domain.account import Account
from projections.fold import Recorded

ACTOR, TYPE, OPERATION, FACE = "actor", "type", "operation", "face"
ACCOUNT, CLIENT, REQUEST, FIELD, STREAM = "account", "client", "request", "field", "stream"
VIEWED = "viewed"
"""Of a view of personal data: the stream that it was about."""
SHALLOW_EVENTS = 64
"""The first events of a stream have no term for it: the key of the log finds them as fast."""
_MAX_KNOWN = 20_000
_VIEWS = "audit.viewed."


_OTHER_NAMES: Mapping[type, Mapping[str, str]] = {Account: {"account_id": "id"}}
"""Fields whose name in the API differs from their own in more than its case."""


class Terms:
    """Hashes terms, and remembers the frequent ones."""

    def __init__(self, fingerprint: Callable[[bytes], bytes]) -> None:
        """`fingerprint`: a keyed hash of 8 bytes or more."""
        self._fingerprint = fingerprint
        self._known: dict[tuple[str, str], int] = {}

    def term(self, name: str, value: str) -> int:
        """The number of a term, within PostgreSQL's bigint."""
        known = self._known.get((name, value))
        if known is None:
            known = self._hash(name, value)
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            self._known[name, value] = known
        return known

    def _hash(self, name: str, value: str) -> int:
        digest = self._fingerprint(f"{name}\0{value}".encode(errors="surrogatepass"))
        return int.from_bytes(digest[:8], "big", signed=True)

    def of_caller(self, call: "Called") -> Iterator[int]:
        """The terms of who called, as far as it is known."""
        if is_shown(call.client):
            yield self.term(CLIENT, call.client)
        if is_shown(call.request_id):
            yield self._hash(REQUEST, call.request_id)  # each is met a few times at most

    def of(self, event: AuditedEvent, before: object, after: object) -> Iterator[int]:
        """The terms of an event.

        `before`, `after`: its stream's states, each None if there is none or it is not known. Then
        the fields are those of the event itself, as far as they can be read.
        """
        term = self.term
        yield term(ACTOR, event.actor)
        yield term(TYPE, type_name(event.topic))
        metadata = called(event)
        if metadata.operation:
            yield term(OPERATION, metadata.operation)
        if metadata.face:
            yield term(FACE, metadata.face)
        yield from self.of_caller(metadata)
        if event.version > SHALLOW_EVENTS:
            yield term(STREAM, str(event.stream))
        if event.topic.startswith(_VIEWS):
            for stream in streams_viewed(str(given_fields(event).get("scope"))):
                yield term(VIEWED, str(stream))
        given: Mapping[str, Any] = {} if after is not None else given_fields(event)
        for name in map(field_name, given) if after is None else fields_set(before, after):
            yield term(FIELD, name)
        account = given.get("account_id") or account_of(after) or account_of(before)
        if isinstance(account, str):
            yield term(ACCOUNT, account)


def call_terms(hashed: Terms, sealed: Mapping[str, str]) -> Iterator[int]:
    """The terms of the facts of a call that are sealed in an event."""
    yield from hashed.of_caller(
        Called(client=sealed.get("client"), request_id=sealed.get("requestId", ""))
    )


class Called(Struct, rename="camel"):
    """What events are found by of the call that caused them."""

    operation: str = ""
    face: str = ""
    client: str | None = None
    request_id: str = ""


_CALLED = msgspec.json.Decoder(Called)


def called(event: AuditedEvent) -> Called:
    """The call that caused an event; empty if somebody damaged the metadata."""
    try:
        return _CALLED.decode(event.metadata)
    except msgspec.MsgspecError:  # no service of ours wrote it
        return Called()


class _Stored(Struct):
    fields: list[str] = []


def type_name(topic: str) -> str:
    """A stored name without its version: so an event is found by its present name, too."""
    name, _, version = topic.rpartition(".v")
    return name if version.isdigit() else topic


def field_name(name: str) -> str:
    """A field as it is searched for: the same from its name in the state and in each API."""
    return name.replace("_", "").lower()


def account_of(state: object) -> str | None:
    """The account that a state belongs to, or is."""
    found: str | None = getattr(state, "account_id", None)
    return found


def fields_set(before: object, after: object) -> list[str]:
    """The fields of the state that an event changed, as they are searched for."""
    other = _OTHER_NAMES.get(type(after), {})
    return [field_name(other.get(name, name)) for name in changed_fields(before, after)]


def changed_fields(before: object, after: object) -> list[str]:
    """The fields of the state that an event changed; without a state before: from the defaults."""
    assert isinstance(after, Struct)  # all states are
    names, values, defaults = _shape(type(after))
    was, now = defaults if before is None else values(before), values(after)
    # (Most values are the very same objects: those are passed over outside Python.)
    others = compress(zip(names, was, now, strict=True), map(is_not, was, now))
    return [name for name, old, new in others if old != new]


def given_fields(event: AuditedEvent) -> Mapping[str, Any]:
    """The fields that an event itself has; the value of a sealed one is not given."""
    if isinstance(event.recorded, Recorded):
        own = event.recorded.event
        values = {name: getattr(own, name) for name in own.__struct_fields__}
        return {name: value for name, value in values.items() if value is not UNSET}
    return stored_fields(event.state) or {}


def stored_fields(state: bytes) -> dict[str, Any] | None:
    """The fields of an event as it is stored, with None for the sealed ones; None: damaged."""
    try:
        plain = msgspec.json.decode(state, type=dict[str, Any])
        boxes = [msgspec.convert(plain.pop(member, {}), _Stored) for member in BOXES]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return plain | dict.fromkeys(name for box in boxes for name in box.fields)


@cache
def _shape(
    state: type[Struct],
) -> tuple[tuple[str, ...], Callable[[object], tuple[Any, ...]], tuple[Any, ...]]:
    """The fields of a type of states, a function that gets their values, and their defaults."""
    fields = msgspec.structs.fields(state)
    names = tuple(field.name for field in fields)
    defaults = tuple(
        field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
        for field in fields
    )
    return names, attrgetter(*names), defaults
