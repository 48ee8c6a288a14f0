"""Every form in which an event was ever stored still reads; `golden/` has samples of each.

A golden file is never edited: a changed form has a new stored name, and with it a file of its own.
"""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from msgspec import Struct

from app.log.codec import decode
from app.log.stream_keys import StreamCipher, StreamKeys
from domain.chat.events import ChatSessionChange
from domain.event import Erasure, Event
from domain.ids import StreamId
from domain.stored import EVENTS, UPCASTS, Fields, Upcast, upcast

GOLDEN = Path(__file__).parent / "golden"
STREAM = StreamId(UUID("0190a000-0000-7000-8000-00000000abcd"))
BOX = StreamKeys(StreamCipher(bytes(range(32))), StreamCipher(bytes(range(32, 64))))
TOPICS = sorted(path.stem for path in GOLDEN.glob("*.json"))


class Sample(Struct):
    """The bytes of an event as they were stored, and its present name and fields."""

    stored: str
    topic: str
    event: Fields


def samples(topic: str) -> list[Sample]:
    return msgspec.json.decode((GOLDEN / f"{topic}.json").read_bytes(), type=list[Sample])


def concrete_events(event: type[Event] = Event) -> Iterator[type[Event]]:
    for child in event.__subclasses__():
        if child not in (ChatSessionChange, Erasure):  # what two events share
            yield child
        yield from concrete_events(child)


@pytest.mark.parametrize("topic", TOPICS)
def test_every_form_that_was_ever_stored_is_read(topic: str) -> None:
    for sample in samples(topic):
        event = decode(topic, sample.stored.encode(), STREAM, BOX)
        assert event == msgspec.convert(sample.event, EVENTS[sample.topic])
        assert msgspec.json.decode(msgspec.json.encode(event)) == sample.event


@pytest.mark.parametrize("topic", sorted({*EVENTS, *UPCASTS}))
def test_every_stored_name_has_its_samples(topic: str) -> None:
    found = samples(topic)
    if topic in EVENTS and EVENTS[topic].personal:
        assert any('"sealed' in sample.stored for sample in found)
    shown = {name for sample in found for name in sample.event}
    assert topic not in EVENTS or shown == set(EVENTS[topic].__struct_fields__)


def test_every_event_has_a_stored_name() -> None:
    assert set(concrete_events()) == set(EVENTS.values())
    assert all(event.topic == topic for topic, event in EVENTS.items())


def test_a_stored_name_says_kind_and_version() -> None:
    for topic in EVENTS:
        kind, happened, version = topic.split(".")
        assert kind in {"ai_session", "chat_session", "account", "principal", "audit", "hold"}
        assert happened
        assert version[0] == "v"
        assert int(version[1:]) > 0


def test_no_stored_name_is_retired_and_present() -> None:
    assert not EVENTS.keys() & UPCASTS.keys()
    assert {upcast(topic, {})[0] for topic in UPCASTS} <= EVENTS.keys()


CHAIN: dict[str, Upcast] = {
    "a.happened.v1": ("a.happened.v2", lambda old: {"name": old["title"]}),
    "a.happened.v2": ("b.happened.v1", lambda old: {**old, "rank": 0}),
}


@pytest.mark.parametrize(
    ("topic", "fields", "present"),
    [
        ("a.happened.v1", {"title": "x"}, {"name": "x", "rank": 0}),
        ("a.happened.v2", {"name": "x"}, {"name": "x", "rank": 0}),
        ("b.happened.v1", {"name": "x", "rank": 7}, {"name": "x", "rank": 7}),
    ],
)
def test_an_old_form_walks_every_step_to_the_present(
    topic: str, fields: Fields, present: Fields
) -> None:
    assert upcast(topic, fields, CHAIN) == ("b.happened.v1", present)


def test_a_name_without_a_successor_stays() -> None:
    assert upcast("c.happened.v1", {"name": "x"}, CHAIN) == ("c.happened.v1", {"name": "x"})
