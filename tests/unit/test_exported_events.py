"""Leaves that are made of the lines of an export are those of the log, byte for byte."""

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from support.exported import end, events, export, leaf, line

from app.care.lines import EventLine, decoded, stored_state
from app.proof import exported
from app.proof.exported import Export, columns_in, event_columns
from app.proof.leaves import packed
from app.proof.verifier import Unproven, read_leaf
from domain.stored import EVENTS

GOLDEN = Path(__file__).parent / "golden"


def leaf_of(text: bytes) -> bytes:
    return packed(*event_columns(text))


def test_the_leaf_of_a_line_is_that_of_the_event() -> None:
    for event in events(200):
        assert leaf_of(line(event)) == leaf(event)
        assert read_leaf(leaf(event)) == event


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_every_event_ever_written_is_shown_by_its_fields_and_read_back(path: Path) -> None:
    for sample in msgspec.json.decode(path.read_bytes()):
        event = events(1)[0]._replace(topic=path.stem, state=sample["stored"].encode())
        text = line(event)
        assert b'"stored":' not in text
        assert leaf_of(text) == leaf(event)
        read = decoded(text)
        assert isinstance(read, EventLine)
        assert stored_state(read) == event.state


def test_other_names_are_of_events_that_there_are() -> None:
    for topic, names in exported.OTHER_NAMES.items():
        fields = EVENTS[topic.decode()].__struct_fields__
        assert {name.decode() for name in names.values()} <= set(fields)


@pytest.mark.parametrize(
    "state",
    [
        b"", b"{}", b"null", b"[1]", b'{"sealed":1}', b'{"sealed":{"fields":[],"box":""}}', b"\xff",
        b'{"sealed":{"box":"","fields":[]}}', b'{"a":"\\u0041"}', b'{"a" :1}', b'{"aB":{"cD":1}}',
        b'{"a":1,"a":2}', b'{"x":"\\"sealed\\":"}', b'{"x":"},\\"stored\\":\\"","chain":""}',
        b'{"x":",\\"data\\":{","y":{}}', '{"ö":"ö"}'.encode(), b'{"id":1,"date":2}', b'{"":0}',
        '{"a":"\u2028\u2029\u0085"}'.encode(), b'{"a":"\\u2028"}', b'{"a":"\\\\u2028"}',
    ],
)  # fmt: skip
def test_bytes_of_any_form_come_through(state: bytes) -> None:
    for topic in ("ai_session.patched.v1", "account.created.v1", 'x"\\\n.y'):
        metadata = '{"data": {"a": "\u2028"}}'
        event = events(1)[0]._replace(state=state, topic=topic, metadata=metadata)
        text = line(event)
        assert len(text.decode().splitlines()) == 1
        assert leaf_of(text) == leaf(event)
        read = decoded(text)
        assert isinstance(read, EventLine)
        assert (stored_state(read), bytes(read.metadata).decode()) == (state, metadata)


def test_every_changed_byte_of_a_line_changes_the_leaf_or_is_refused() -> None:
    for event in events(40)[::5]:
        text = line(event)
        covered = [*range(text.index(b'"sessionId"')), *range(text.index(b'"type"'), len(text))]
        chain = range(text.index(b'"chain":"') + 9, len(text) - 3)
        for place in covered:
            if place in chain:
                continue  # it is the exporter's, and of the line
            other = text[:place] + bytes((text[place] ^ 1,)) + text[place + 1 :]
            with suppress(Unproven):
                assert leaf_of(other) != leaf(event), other


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (rb'"actor":"[^,]*",', rb'\g<0>"actor":"eve",'),
        (rb'"chain":"[^"]*"', rb'\g<0>,"actor":"eve"'),
        (rb'"chain":"[^"]*"', rb'\g<0>,"chain":""'),
        (rb'"data":\{', rb'"data":{},"data":{'),
        (rb"\}\n", rb',"actor":"eve"}\n'),
        (rb'"metadata":', rb'"metadata":{},"metadata":'),
        (rb'"data":\{', rb'"data":{"x":1,'),
        (rb"^\{", rb'{"actor":"eve",'),
    ],
)
def test_a_member_that_is_told_twice_is_no_way_to_show_another(old: bytes, new: bytes) -> None:
    event = events(1)[0]._replace(topic="ai_session.patched.v1", state=b'{"a":1}', actor="al")
    text = re.sub(old, new, line(event), count=1)
    assert text != line(event)
    with suppress(Unproven):
        assert leaf_of(text) != leaf(event)


def test_several_lines_are_not_the_one_of_an_event() -> None:
    with pytest.raises(Unproven, match="There are several events"):
        event_columns(b"".join(map(line, events(2))))


def all_of(text: bytes) -> int:
    return len(list(Export(iter(text.splitlines(keepends=True))).events()))


def test_an_export_is_read_to_its_end() -> None:
    assert all_of(export(events(20))) == 20


def test_lines_are_the_same_events_however_many_come_at_once() -> None:
    log = events(200)
    lines = [*map(line, log), b'{"key":{"a":"\xc3\xb8"},"chain":""}\n']
    assert [packed(*each) for each in columns_in(b"".join(lines))] == list(map(leaf, log))
    whole = export(log)
    for size in (1, 7, 100):
        lines = whole.splitlines(keepends=True)
        blocks = [b"".join(lines[at : at + size]) for at in range(0, len(lines), size)]
        assert [packed(*each) for each in Export(blocks).events()] == list(map(leaf, log))


@pytest.mark.parametrize("begin", [0, 1, 99])
@pytest.mark.parametrize("bad", [b"x\n", b"\n", b" ", b'x{"partition":'])
def test_a_bad_line_among_good_ones_is_named_and_those_before_it_are_read(
    begin: int, bad: bytes
) -> None:
    lines = list(map(line, events(100)))
    found = Export([b"".join([*lines[:begin], bad + lines[begin], *lines[begin + 1 :]])]).events()
    for _ in range(begin):
        next(found)
    with pytest.raises(Unproven, match=f"Line {begin + 1} is not one of an export"):
        next(found)


@pytest.mark.parametrize("place", ["stream", "eventId"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.upper(), "an id has capitals"),
        (lambda text: "g" + text[1:], "an id has a character that is no digit"),
        (lambda text: text.replace("-", "0"), "an id has another length"),
        (lambda text: text[:7] + "-" + text[7] + text[9:], "an id has another length"),
    ],
    ids=["capitals", "no digit", "no dashes", "a moved dash"],
)
def test_an_id_has_one_form_only(place: str, change: Callable[[str], str], words: str) -> None:
    text = line(events(1)[0]).decode()
    begin = text.index(f'"{place}":"') + len(place) + 4
    other = text[:begin] + change(text[begin : begin + 36]) + text[begin + 36 :]
    with pytest.raises(Unproven, match=words):
        event_columns(other.encode())


def test_an_event_is_one_line_whatever_its_state() -> None:
    event = events(1)[0]._replace(topic="ai_session.patched.v1", state=b'{"a":[\n1]}')
    assert line(event).count(b"\n") == 1
    assert leaf_of(line(event)) == leaf(event)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "cut off after line 0"),
        (b"".join(map(line, events(3))), "cut off after line 3"),
        (export(events(3)) + line(events(1)[0]), "Line 6 follows the checkpoint"),
        (b"hello\n", "Line 1 is not one of an export"),
        (b'{"partition": 0, "position": 1}\n', "written with --clear"),
        (line(events(1)[0]).replace(b'"data"', b'"dota"'), "Line 1 is not as exports have it"),
        (line(events(1)[0]).replace(b"2026-11-21T", b"2026-13-21T"), "Line 1 is not as exports"),
        (b'{"checkpoint":\n', "Line 1, the checkpoint, cannot be read"),
        (b'{"checkpoint":[]}\n', "Line 1, the checkpoint, cannot be read"),
    ],
)
def test_what_is_no_export_is_named_by_its_line(text: bytes, words: str) -> None:
    with pytest.raises(Unproven, match=words):
        all_of(text)


def test_notes_at_the_end_are_told() -> None:
    read = Export(iter([end().replace(b'"positions"', b'"notes":{"0":"note"},"positions"')]))
    assert list(read.events()) == []
    assert read.notes == {"0": "note"}
