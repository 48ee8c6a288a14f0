"""What every event is. Which events there are stands in `stored`."""

from typing import ClassVar

from msgspec import Struct


def kind_of(topic: str) -> str:
    """What kind of stream an event stored under a name belongs to: `kind.happened.v1`."""
    return topic.partition(".")[0]


class Event(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that happened. Who did it and when is metadata of the log, not part of it.

    A field left `UNSET` was not part of what happened and is not stored.
    """

    topic: ClassVar[str]
    """The stored name with its version, `kind.happened.v1`: never changed once written."""
    personal: ClassVar[frozenset[str]] = frozenset()
    """Fields that can identify a person: stored sealed under the key of their stream."""
