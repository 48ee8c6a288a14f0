"""The base of every event. The module `stored` lists all events."""

from collections.abc import Mapping
from typing import ClassVar, Literal, TypeVar

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

Subject = Literal["customer", "agent"]
"""Whose personal data a field is. Each has a key of its own in a stream, and is erased alone."""
Copies = Mapping[str, tuple[str, ...]]
"""Fields of an event, each with those of the state that take it over."""


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
    origins: ClassVar[frozenset[str]] = frozenset()
    """Fields that say from where somebody called.

    They are sealed like the customer's, but auditors see them, as the address of each call.
    """
    assigned: ClassVar[frozenset[str]] = frozenset()
    """Fields that the fold only hands to the state's fields of the same names.

    It never looks at their values, so these have no effect once a later event assigns others. An
    event all of whose fields are assigned does nothing else.
    """
    copies: ClassVar[Copies] = {}
    """The fields of the state that take over a field under another name."""
    secret: ClassVar[frozenset[str]] = frozenset()
    """Those of them that open something to whoever has them: no tool of ours shows them."""

    def of_agent(self) -> frozenset[str]:
        """The fields of this event that are an agent's."""
        return self.agent


class Erasure(Event, frozen=True, kw_only=True):
    """What the erasures of all kinds of streams have: whose data, and on which ground.

    It holds nothing personal. The keys went with it, so that the fields of earlier events are None.
    """

    subjects: tuple[Subject, ...]
    erasure_id: str
    """The same for all that was erased together."""
    reason: str
    """The ground, in the words of who asked for it."""
    approved_by: str | UnsetType = UNSET
    """The user who approved, as who asked for it says; unset: nobody was named."""


S = TypeVar("S", bound=Struct)


def without(state: S, names: frozenset[str]) -> S:
    """A state in which the named fields are None, also those of the items that it lists."""
    left: dict[str, object] = {}
    for name in state.__struct_fields__:
        value = getattr(state, name)
        if name in names:
            left[name] = None
        elif isinstance(value, tuple):
            left[name] = tuple(
                without(item, names) if isinstance(item, Struct) else item for item in value
            )
    return replace(state, **left)
