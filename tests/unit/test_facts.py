"""The facts of a call that can identify the caller: sealed for a stream, and gone with its keys."""

import json
import os
from uuid import UUID

import pytest

from app.log.errors import Unreadable
from app.log.facts import (
    ERASED,
    NO_FACTS,
    UNREADABLE,
    Facts,
    opened,
    opened_fact,
    sealed_fact,
    stored,
)
from app.log.keyring import Keyring
from app.log.stream_keys import StreamKeys, bits_of, without
from domain.event import Subject
from domain.ids import StreamId

STREAM, OTHER = StreamId(UUID(int=7)), StreamId(UUID(int=8))
FACTS = Facts('{"face":"evo"}', {"client": "192.0.2.7", "correlationId": 'a "sealed" one'})
KEYRING = Keyring(os.urandom(32))
BOTH: tuple[Subject, ...] = ("customer", "agent")


def keys(*subjects: Subject) -> StreamKeys:
    return KEYRING.new(STREAM, subjects)[0]


def after(known: StreamKeys, *erased: Subject) -> StreamKeys:
    """The keys of a stream after some of them were erased."""
    return KEYRING.unwrap(STREAM, without(known.wrapped or b"", bits_of(erased)))


def shown(metadata: str, known: StreamKeys | None, stream: StreamId = STREAM) -> dict[str, str]:
    return dict(json.loads(bytes(opened(metadata.encode(), stream, known))))


@pytest.mark.parametrize("subjects", [(), ("customer",), BOTH])
def test_they_are_read_with_the_keys_of_their_stream(subjects: tuple[Subject, ...]) -> None:
    known = keys(*subjects)
    metadata = stored(FACTS, STREAM, known)
    for value in FACTS.personal.values():
        assert json.dumps(value)[1:-1] not in metadata
    assert shown(metadata, known) == {"face": "evo", **FACTS.personal}


def test_the_names_stay_readable() -> None:
    metadata = json.loads(stored(FACTS, STREAM, keys()))
    assert (metadata["face"], metadata["sealed"]["fields"]) == ("evo", list(FACTS.personal))


@pytest.mark.parametrize("erased", [("customer",), ("agent",), BOTH])
def test_they_go_with_whichever_key_of_the_stream(erased: tuple[Subject, ...]) -> None:
    known = keys(*BOTH)
    metadata = stored(FACTS, STREAM, known)
    gone = dict.fromkeys(FACTS.personal, ERASED)
    assert shown(metadata, after(known, *erased)) == {"face": "evo", **gone}


@pytest.mark.parametrize("lost", [("customer",), ("agent",)])
def test_the_key_that_is_left_does_not_open_them(lost: tuple[Subject, ...]) -> None:
    known = keys(*BOTH)
    metadata = stored(FACTS, STREAM, known)
    left = StreamKeys(None if "customer" in lost else known.customer,
                      None if "agent" in lost else known.agent)  # fmt: skip
    assert shown(metadata, left)["client"] == UNREADABLE


def test_none_are_kept_of_a_call_after_an_erasure() -> None:
    gone = after(keys(*BOTH), "agent")
    metadata = stored(FACTS, STREAM, gone)
    assert "box" not in json.loads(metadata)["sealed"]
    assert shown(metadata, gone)["client"] == ERASED


def test_they_are_unreadable_for_another_stream_or_without_its_key() -> None:
    known = keys()
    metadata = stored(FACTS, STREAM, known)
    for each in (shown(metadata, known, OTHER), shown(metadata, None), shown(metadata, keys())):
        assert each == {"face": "evo", **dict.fromkeys(FACTS.personal, UNREADABLE)}


@pytest.mark.parametrize(
    "metadata",
    [
        '{"client": "192.0.2.7", "face": "evo"}',
        '{"correlationId": "\\"sealed\\""}',
        "{}",
        '{"sealed": 7}',
        '{"sealed": {"fields": "client"}}',
        '["sealed"]',
        '{"sealed": {"fields": ["client"], "box": "no base64"}}',
    ],
)
def test_what_an_earlier_release_or_somebody_else_wrote_stays_as_it_is(metadata: str) -> None:
    assert bytes(opened(metadata.encode(), STREAM, keys())) == metadata.encode()


def test_a_call_without_them_needs_no_key() -> None:
    assert stored(NO_FACTS, STREAM, None) == "{}"
    assert stored(Facts('{"face":"cli"}'), STREAM, None) == '{"face":"cli"}'
    with pytest.raises(ValueError, match="need a key"):
        stored(FACTS, STREAM, None)


def test_they_may_be_all_that_is_known() -> None:
    known = keys()
    assert shown(stored(Facts("{}", FACTS.personal), STREAM, known), known) == FACTS.personal


def test_one_alone_is_sealed_for_a_table() -> None:
    known = keys()
    sealed = sealed_fact("192.0.2.7", STREAM, known)
    assert sealed is not None
    assert opened_fact(sealed, STREAM, known) == "192.0.2.7"
    assert opened_fact(sealed, STREAM, after(known, "customer")) == ERASED
    for other in (None, keys()):
        assert opened_fact(sealed, STREAM, other) == UNREADABLE
    assert sealed_fact("192.0.2.7", STREAM, after(known, "customer")) is None


def test_keys_that_are_not_there_seal_nothing() -> None:
    with pytest.raises(Unreadable, match="no key"):
        StreamKeys().of_calls()
