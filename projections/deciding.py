"""Which of a stream's events decide its state: the fold gives the same one without the others."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from msgspec import structs

from domain.event import Event


class Deciding(NamedTuple):
    """An event that the fold needs."""

    at: int
    """Its place among the stream's events."""
    personal: bool
    """Whether its personal fields decide something; if not, they may as well be None."""


def deciding(events: Sequence[type[Event]]) -> list[Deciding]:
    """Those of a stream's events, given by their types, that decide its state."""
    found: list[Deciding] = []
    replaced: frozenset[str] = frozenset()  # fields of the state that later events assign
    for index in reversed(range(len(events))):
        event = events[index]
        hidden = event.assigned & replaced
        if index == 0 or not hidden or hidden < set(event.__struct_fields__):
            found.append(Deciding(index, bool(event.personal - hidden)))
        replaced |= event.assigned & _always_set(event)
    return found[::-1]


@cache
def _always_set(event: type[Event]) -> frozenset[str]:
    return frozenset(field.name for field in structs.fields(event) if field.required)
