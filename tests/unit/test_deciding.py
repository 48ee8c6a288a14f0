from collections.abc import Sequence
from functools import reduce
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from support.any_events import structs

from domain.ai_session import AISessionCreated, AISessionDeleted, AISessionPatched
from domain.chat.events import (
    ChatMessageAdded,
    ChatSessionCreated,
    ChatSessionPickedUp,
    ChatSessionTransferAccepted,
    ChatSessionTransferRequested,
    ChatSessionUpdated,
)
from domain.event import Event, kind_of
from domain.stored import EVENTS
from projections.catalog import CURRENT
from projections.deciding import deciding

BY_KIND = {
    kind: [event for topic, event in EVENTS.items() if kind_of(topic) == kind] for kind in CURRENT
}
WITH_ASSIGNED = sorted(kind for kind, events in BY_KIND.items() if any(e.assigned for e in events))


@st.composite
def streams(draw: st.DrawFn, kind: str) -> list[Any]:
    """A stream of a few types of events, on few things, so that they matter to each other."""
    assigning = st.sampled_from([event for event in BY_KIND[kind] if event.assigned])
    others = st.lists(st.sampled_from(BY_KIND[kind]), max_size=2)
    types = [draw(assigning), *draw(others)]
    texts = st.sampled_from(["a", "b"])
    one = st.sampled_from(types).flatmap(lambda event: structs(event, frozenset(), texts))
    return draw(st.lists(one, min_size=2, max_size=8))


@pytest.mark.parametrize("kind", WITH_ASSIGNED)
@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_the_fold_of_what_decides_is_that_of_all(kind: str, data: st.DataObject) -> None:
    stream = data.draw(streams(kind))
    evolve = CURRENT[kind].evolve
    try:
        whole = reduce(evolve, stream, None)
    except (AssertionError, TypeError, AttributeError):  # such an event cannot come first
        assume(False)
    found = [
        stream[each.at] if each.personal else without_personal(stream[each.at])
        for each in deciding([type(event) for event in stream])
    ]
    assert reduce(evolve, found, None) == whole


def without_personal(event: Event) -> Event:
    return replace(event, **dict.fromkeys(event.personal))


def needed(*events: type[Event]) -> Sequence[tuple[int, bool]]:
    return deciding(events)


def test_of_changes_of_one_field_the_last_one_decides() -> None:
    patched = AISessionPatched
    assert needed(AISessionCreated, patched, patched) == [(0, False), (2, True)]
    assert needed(AISessionCreated) == [(0, True)]
    assert needed(AISessionCreated, AISessionDeleted) == [(0, True), (1, False)]


def test_an_event_that_does_more_is_folded_without_its_personal_fields() -> None:
    asked, taken = ChatSessionTransferRequested, ChatSessionTransferAccepted
    assert needed(ChatSessionCreated, ChatSessionPickedUp, asked, taken, asked, taken) == [
        (0, True), (1, False), (3, False), (4, True), (5, True),
    ]  # fmt: skip


def test_what_an_event_may_leave_as_it_is_decides() -> None:
    """Whether it does is known only once it is read; and the first of messages is kept."""
    events = (ChatSessionUpdated, ChatMessageAdded, ChatSessionUpdated, ChatMessageAdded)
    assert needed(*events) == [(index, True) for index in range(4)]
