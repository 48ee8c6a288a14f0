import base64
from collections.abc import Iterator
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace
from support.any_events import EVENT, MARK

from app.log.codec import DECODERS, decode, encode, opened, split, text
from app.log.errors import Unreadable
from app.log.keyring import Keyring, KeySettings
from app.log.stream_keys import BITS, SHUT, StreamCipher, StreamKeys, bundle, without
from domain.ai_session import AISessionCreated, AISessionPatched
from domain.chat.carriers import Associate
from domain.chat.events import ChatSessionDeleted, ChatSessionUpdated
from domain.date_time import EMPTY, DateTime
from domain.errors import PersonalDataGone
from domain.event import Event
from domain.ids import StreamId

S7 = StreamId(UUID(int=7))
BOX = StreamKeys(StreamCipher(b"k" * 32), StreamCipher(b"a" * 32))
PATCHED = AISessionPatched(purpose="triage")


def stored(event: Event, box: StreamKeys | None = BOX, stream: StreamId = S7) -> bytes:
    return encode(event.topic, *split(event), stream, box)


@settings(deadline=None, max_examples=40)
@given(event=EVENT, stream=st.uuids().map(StreamId))
def test_every_event_comes_back_and_nothing_personal_is_stored_in_the_open(
    event: Event, stream: StreamId
) -> None:
    state = stored(event, BOX, stream)
    assert decode(event.topic, state, stream, BOX) == event
    assert MARK.encode() not in state
    assert (b'"sealed' in state) == any(
        getattr(event, name) is not UNSET for name in event.personal | event.origins
    )


def sealed_box(state: bytes) -> bytes:
    box: str = msgspec.json.decode(state)["sealed"]["box"]
    return base64.b64decode(box)


def with_box(state: bytes, box: bytes) -> bytes:
    fields = msgspec.json.decode(state)
    fields["sealed"]["box"] = box
    return msgspec.json.encode(fields)


def altered(text: bytes) -> Iterator[bytes]:
    """Every way to change one bit of one byte, to leave off its end, and to add to it."""
    for place in range(len(text)):
        yield text[:place] + bytes([text[place] ^ 1 << place % 8]) + text[place + 1 :]
        yield text[:place]
    yield text + b"\0"


def test_a_sealed_text_with_an_altered_byte_is_unreadable() -> None:
    state = stored(PATCHED)
    for box in altered(sealed_box(state)):
        with pytest.raises(Unreadable):
            decode(PATCHED.topic, with_box(state, box), S7, BOX)


def test_a_sealed_text_opens_on_its_own_stream_only() -> None:
    state = stored(PATCHED)
    with pytest.raises(Unreadable):
        decode(PATCHED.topic, state, StreamId(UUID(int=8)), BOX)


def test_a_sealed_text_opens_as_its_own_kind_of_event_only() -> None:
    state = stored(AISessionCreated(purpose="triage"))
    with pytest.raises(Unreadable):
        decode(AISessionPatched.topic, state, S7, BOX)


@pytest.mark.parametrize(
    "box", [None, StreamKeys(StreamCipher(b"x" * 32))], ids=["gone", "another"]
)
def test_without_its_key_an_event_is_unreadable(box: StreamKeys | None) -> None:
    with pytest.raises(Unreadable):
        decode(PATCHED.topic, stored(PATCHED), S7, box)


@pytest.mark.parametrize(
    ("topic", "state"),
    [
        ("ai_session.created.v0", b"{}"),
        ("", b"{}"),
        ("ai_session.created.v1", b""),
        ("ai_session.created.v1", b"[]"),
        ("ai_session.created.v1", b"{"),
        ("ai_session.created.v1", b'{"account_id": 1}'),
        ("ai_session.created.v1", b'{"account_id": "\xff"}'),
        ("ai_session.created.v1", b'{"other": 1}'),
        ("ai_session.created.v1", b'{"sealed": 1}'),
        ("ai_session.created.v1", b'{"sealed": {}}'),
        ("ai_session.created.v1", b'{"sealed": {"box": "!"}}'),
        ("ai_session.created.v1", b'{"sealed": {"box": null}}'),
        ("account.created.v1", b'{"account_id": "a1"}'),
        ("ai_session.deleted.v1", b'{"purpose": "x"}'),
    ],
)
def test_what_no_event_was_stored_as_is_unreadable(topic: str, state: bytes) -> None:
    with pytest.raises(Unreadable):
        decode(topic, state, S7, BOX)


def test_an_event_without_personal_fields_needs_no_key() -> None:
    for event in (AISessionCreated(account_id="a1"), ChatSessionDeleted()):
        assert decode(event.topic, stored(event, None), S7, None) == event


def test_an_event_with_personal_fields_is_not_stored_without_a_key() -> None:
    with pytest.raises(ValueError, match="needs a key"):
        stored(PATCHED, None)


def test_a_field_that_was_cleared_is_told_from_one_that_was_left_alone() -> None:
    event = ChatSessionUpdated(customer_name=None, user=None, when_ended=EMPTY)
    assert decode(event.topic, stored(event), S7, BOX) == event
    assert event != ChatSessionUpdated(when_ended=EMPTY)


def test_the_names_of_sealed_fields_stay_readable() -> None:
    event = ChatSessionUpdated(rank=3, user=Associate(name="Kim"), customer_name="Pat")
    fields = msgspec.json.decode(stored(event))
    assert fields["rank"] == 3
    assert fields["sealed"]["fields"] == ["customer_name"]
    assert fields["sealed_agent"]["fields"] == ["user"]


def test_the_same_event_is_sealed_into_another_text_each_time() -> None:
    assert len({stored(PATCHED) for _ in range(20)}) == 20


def test_the_fraction_of_a_second_stays_as_it_came() -> None:
    event = ChatSessionUpdated(when_started=DateTime("2018-11-21T16:32:47.1492785+01:00"))
    assert b"47.1492785+01:00" in stored(event)


def test_a_key_opens_only_on_its_own_stream_and_under_its_own_master_key() -> None:
    box, wrapped = Keyring(b"m" * 32).new(S7, ("customer",))
    sealed = box.sealing("customer").seal(b"text", b"bound")
    again = Keyring(b"m" * 32).unwrap(S7, wrapped).sealing("customer")
    assert again.open(sealed, b"bound") == b"text"
    with pytest.raises(Unreadable):
        Keyring(b"m" * 32).unwrap(StreamId(UUID(int=8)), wrapped)
    with pytest.raises(Unreadable):
        Keyring(b"n" * 32).unwrap(S7, wrapped)


def test_a_check_value_recognises_its_master_key() -> None:
    check_value = Keyring(b"m" * 32).check_value()
    assert Keyring(b"m" * 32).made(check_value)
    assert not Keyring(b"n" * 32).made(check_value)


GONE = StreamKeys(BOX.customer, None, erased=BITS["agent"])
BOTH = ChatSessionUpdated(
    rank=3, user=Associate(name="Kim"), customer_name="Pat", first_message="x"
)


def test_what_is_erased_of_one_subject_is_none_and_named_and_the_others_stay() -> None:
    event, erased = opened(BOTH.topic, stored(BOTH), S7, GONE)
    assert event == replace(BOTH, user=None)
    assert list(erased) == ["user"]
    gone = StreamKeys(None, BOX.agent, erased=BITS["customer"])
    event, erased = opened(BOTH.topic, stored(BOTH), S7, gone)
    assert event == replace(BOTH, customer_name=None, first_message=None)
    assert list(erased) == ["customer_name", "first_message"]


def test_nothing_is_sealed_for_an_erased_subject() -> None:
    with pytest.raises(PersonalDataGone, match="agent"):
        stored(BOTH, GONE)
    assert stored(replace(BOTH, user=UNSET), GONE)


@settings(deadline=None, max_examples=40)
@given(event=EVENT, stream=st.uuids().map(StreamId), erased=st.integers(0, 3))
def test_every_event_admits_that_its_personal_fields_are_erased(
    event: Event, stream: StreamId, erased: int
) -> None:
    """And the fast reader of many events gives what the careful one gives."""
    keyring = Keyring(b"m" * 32)
    keys, wrapped = keyring.new(stream, ("customer", "agent"))
    state, after = stored(event, keys, stream), without(wrapped, erased)
    known = keyring.unwrap(stream, after)
    slow, names = opened(event.topic, state, stream, known)
    topic = event.topic.encode()
    fast = text(state, topic, stream.bytes, keyring.unsealing(stream, after))
    assert DECODERS[event.topic](fast) == slow
    _, customer, agent = split(event)
    gone = [*(agent if erased & 2 else ()), *(customer if erased & 1 else ())]
    assert list(names) == gone
    assert all(getattr(slow, name) is None for name in gone)
    assert MARK.encode() not in fast or erased != 3
    shut = opened(event.topic, state, stream, keyring.unwrap(stream, without(wrapped, 3)))[0]
    assert DECODERS[event.topic](text(state, topic, stream.bytes, SHUT)) == shut


def test_an_erased_key_stays_so_when_the_master_key_changes() -> None:
    keyring = Keyring(b"m" * 32)
    _, wrapped = keyring.new(S7, ("customer", "agent"))
    erased = without(wrapped, BITS["customer"])
    after = keyring.successor(b"n" * 32)
    handed = keyring.handed_over(after)
    keyring.adopt(
        KeySettings(
            check=keyring.check_value(), next_check=handed[0], next_key=handed[1],
            wraps=after.fingerprint_of_key,
        )
    )  # fmt: skip
    found = bundle(keyring.rewrap(S7, erased))
    assert (found.wrapper.hex(), found.erased) == (after.fingerprint_of_key, BITS["customer"])
    assert list(found.parts) == [BITS["agent"]]


def test_stored_keys_with_an_altered_byte_are_unreadable_or_open_nothing_else() -> None:
    keyring = Keyring(b"m" * 32)
    _, wrapped = keyring.new(S7, ("customer", "agent"))
    for stored_keys in altered(wrapped):
        try:
            known = keyring.unwrap(S7, stored_keys)
        except Unreadable:
            continue
        # (The mark of an erased key that is not there has no seal; neither has one cut off.)
        assert known.erased & 3 == 0
        assert len(stored_keys) in (len(wrapped), len(wrapped) - 61, len(wrapped) - 122)
