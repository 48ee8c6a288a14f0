"""The base of every event. The module `stored` lists all events."""

from typing import ClassVar, Literal

from msgspec import Struct

Subject = Literal["customer", "agent"]
"""Whose personal data a field is. Each has a key of its own in a stream, and is erased alone."""


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
    """Fields that can identify a person; they are stored sealed under a key of their stream.

    Each admits None: that is what is left of it once its key is erased.
    """
    agent: ClassVar[frozenset[str]] = frozenset()
    """Those of them that are an agent's; the others are the customer's."""
    secret: ClassVar[frozenset[str]] = frozenset()
    """Those of them that open something to whoever has them: no tool of ours shows them."""

    def of_agent(self) -> frozenset[str]:
        """The fields of this event that are an agent's."""
        return self.agent
