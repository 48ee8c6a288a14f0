"""The base of every event. The module `stored` lists all events."""

from typing import ClassVar

from msgspec import Struct


def kind_of(topic: str) -> str:
    """The kind of stream that an event's stored name belongs to: `kind.happened.v1`."""
    return topic.partition(".")[0]


class Event(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that happened. Its actor and time are the log's metadata, not part of it.

    A field left `UNSET` was not part of what happened and is not stored.
    """

    topic: ClassVar[str]
    """The stored name with its version, `kind.happened.v1`: it never changes once written."""
    personal: ClassVar[frozenset[str]] = frozenset()
    """Fields that can identify a person; they are stored sealed under their stream's key."""
    secret: ClassVar[frozenset[str]] = frozenset()
    """Those of them that open something to whoever has them: no tool of ours shows them."""
