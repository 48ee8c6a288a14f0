"""The events of an export, as the columns that their leaves are made of, with no value changed.

Many lines at once take far less time than one by one, so that they come in blocks.

Only the standard library is imported: this is a part of the verifier that is handed out.
"""

import json
import re
from binascii import unhexlify
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from io import BytesIO
from operator import add

from app.proof.leaves import Columns
from app.proof.notes import from_base64
from app.proof.one_line import as_encoded
from app.proof.trees import Unproven

OTHER_NAMES: Mapping[bytes, Mapping[bytes, bytes]] = {
    b"account.created.v1": {b"id": b"account_id"},
    b"ai_session.action_proposed.v1": {b"date": b"proposed_at"},
    b"chat_session.message_added.v1": {b"ChatMessageId": b"message_id"},
}
"""By type: the stored names of members that do not follow from their names in an export."""
_TEXT = rb'"([^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*)"'
_BEGIN = (
    rb'\{"partition":([0-9]{1,9}),"position":([0-9]{1,19}),"stream":"(.{36})","version":([0-9]{1,19}),'
    rb'"sessionId":"[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*","type":%(text)b,"eventId":"(.{36})",'
    rb'"recordedAt":"([-0-9T:]{19})\.([0-9]{6})Z","actor":%(text)b,"metadata":' % {b"text": _TEXT}
)
"""An event's line up to its metadata."""
_END = rb',"chain":"[^"\n]*"\}\n'
_LINES = re.compile(rb'^(?:%b([^\n]*)%b|\{"key":\{[^\n]*\}%b)' % (_BEGIN, _END, _END), re.MULTILINE)
"""Whole lines of events and of keys; whatever is none of them is skipped when they are searched."""
_LIKE_EVENT = re.compile(_BEGIN)
_DATA, _CHAIN, _STORED = b',"data":{', b',"chain":"', b'},"stored":"'
_CHECKPOINT = b'{"checkpoint":'
_NO_END = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
_ID_LENGTH, _ID_BYTES = 36, 16
_DASHES = (8, 13, 18, 23)
"""Their places in an id."""
_MEMBER = re.compile(rb'"(\w+)":')
_CAPITAL = re.compile(rb"(?<!^)([A-Z])")
_BOX = re.compile(rb'"(sealed\w*)":("[^"\n]*"),"\1Fields":(\[[^]\n]*\])')
_NEXT, _BOX_HERE = b"\n1", b"\n2"
"""Marks in the text of many events, which has no other line feeds: between two, and of a box."""
_EPOCH = datetime.fromisoformat("1970-01-01")


class Export:
    """The lines of an export. What it says of its end is known when its events have been read."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        """Nothing is read yet; `blocks`: of one line or of many, none of which is cut in two."""
        self._blocks = blocks
        self._has_ended = False
        self.notes: dict[str, str] = {}
        """The signed checkpoints that it ends with, by partition."""
        self.positions: dict[int, int] = {}
        """The last position of each partition, as it says."""

    def events(self) -> Iterator[Columns]:
        """The columns of each event. Raises Unproven, also if the export is cut off."""
        number = 0
        for block in self._blocks:
            self._require_no_end(number + 1)
            try:
                lines = _lines_in(block)
                events = _columns(lines)
            except (ValueError, Unproven):  # line by line, it is found which one it is, and why
                for line in BytesIO(block):
                    number += 1
                    yield from self._taken(number, line)
            else:
                number += len(lines)
                yield from events
        if not self._has_ended:
            raise Unproven(f"The export is cut off after line {number}: there is no checkpoint")

    def _taken(self, number: int, line: bytes) -> Sequence[Columns]:
        """The event of a line; none of a key or of the end."""
        self._require_no_end(number)
        _require_utf8(line, number)
        if line.startswith(_CHECKPOINT):
            self._take_end(number, line)
            return ()
        try:
            return columns_in(line)
        except (ValueError, Unproven) as error:
            if _LIKE_EVENT.match(line):
                raise Unproven(f"Line {number} is not as exports have it: {error}") from error
            raise Unproven(
                f"Line {number} is not one of an export with sealed fields (one that was written "
                "with --clear cannot be checked)"
            ) from error

    def _take_end(self, number: int, line: bytes) -> None:
        try:
            told = json.loads(line)["checkpoint"]
            notes, positions = told.get("notes", {}), told["positions"]
            self.notes = {str(partition): str(note) for partition, note in notes.items()}
            self.positions = {int(each): int(position) for each, position in positions.items()}
        except _NO_END as error:
            raise Unproven(f"Line {number}, the checkpoint, cannot be read") from error
        self._has_ended = True

    def _require_no_end(self, number: int) -> None:
        if self._has_ended:
            raise Unproven(f"Line {number} follows the checkpoint, which ends an export")


def event_columns(line: bytes) -> Columns:
    """The columns of an event, from its line in an export. Raises Unproven."""
    _require_utf8(line, 1)
    if not _LIKE_EVENT.match(line):
        raise Unproven("It is not the line of an event in an export with sealed fields")
    try:
        event, *others = columns_in(line)
    except ValueError as error:
        raise Unproven(f"It is not as exports have it: {error}") from error
    if others:
        raise Unproven("There are several events")
    return event


def columns_in(block: bytes) -> Sequence[Columns]:
    """The columns of the events in whole lines of an export, of events and of keys.

    Raises ValueError or Unproven if a line is none of these; the message says why if it is the only
    line.
    """
    return _columns(_lines_in(block))


def _lines_in(block: bytes) -> list[tuple[bytes, ...]]:
    """What `_LINES` finds of each line. Raises as `columns_in`."""
    if not block.isascii():
        block.decode()
    block = as_encoded(block)
    lines = _LINES.findall(block)
    if len(lines) != block.count(b"\n") or not block.endswith(b"\n"):  # the others were skipped
        raise ValueError(
            "it has something behind its chain"
            if _CHAIN in block
            else "it has no chain (an export that was written with --clear has none)"
        )
    return lines


def _require_utf8(line: bytes, number: int) -> None:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        raise Unproven(f"Line {number} is not UTF-8 at its byte {error.start}") from error


def _columns(lines: Sequence[tuple[bytes, ...]]) -> list[Columns]:
    """The columns of the events among lines. Raises ValueError, Unproven."""
    events = [line for line in lines if line[0]]
    if not events:
        return []
    partitions, positions, streams, versions, types, ids, seconds, us, actors, rests = zip(
        *events, strict=True
    )
    metadata, begins, ends = zip(*[rest.partition(_DATA) for rest in rests], strict=True)
    if b"" in begins:
        raise ValueError("it has no data")
    topics = list(map(_text, types))
    both = _ids(streams + ids)
    return list(
        zip(
            map(int, partitions), map(int, positions), both[: len(events)], map(int, versions),
            topics, _states(topics, ends), both[len(events) :],
            map(add, map(_second_us, seconds), map(int, us)), map(_text, actors), metadata,
            strict=True,
        )
    )  # fmt: skip


def _ids(texts: Sequence[bytes]) -> list[bytes]:
    """The bytes of ids. Raises ValueError."""
    text, count = b"".join(texts), len(texts)
    digits = text.replace(b"-", b"")
    if len(digits) != 2 * _ID_BYTES * count or any(
        text[place::_ID_LENGTH] != b"-" * count for place in _DASHES
    ):
        raise ValueError("an id has another length, or other dashes")
    try:
        found = unhexlify(digits)
    except ValueError as error:
        raise ValueError("an id has a character that is no digit") from error
    if found.hex().encode() != digits:
        raise ValueError("an id has capitals")
    return [found[at : at + _ID_BYTES] for at in range(0, len(found), _ID_BYTES)]


@lru_cache(100)
def _second_us(text: bytes) -> int:
    """A time without the part behind its seconds, in microseconds since 1970."""
    try:
        since = datetime.fromisoformat(text.decode()) - _EPOCH
    except (ValueError, TypeError) as error:  # (a TypeError: it has another time zone)
        raise ValueError(f"there is no time {text.decode()}") from error
    return (since.days * 86_400 + since.seconds) * 1_000_000


@lru_cache(1_000)
def _text(text: bytes) -> bytes:
    """What a type or an actor is in JSON; they recur, so that most are looked up."""
    if b"\\" not in text:
        return text
    try:
        unescaped: str = json.loads(b'"%b"' % text)
        return unescaped.encode()
    except ValueError as error:
        raise ValueError("its type or its actor is no text of JSON") from error


def _states(topics: Sequence[bytes], data: Sequence[bytes]) -> list[bytes]:
    """The events as they are stored; `data`: of each line, from behind `"data":{` to its chain."""
    states, by_names = [b""] * len(data), dict[bytes, list[int]]()
    for number, text in enumerate(data):
        if text.endswith(b"}"):
            topic = topics[number]
            by_names.setdefault(topic if topic in OTHER_NAMES else b"", []).append(number)
        elif text.startswith(_STORED) and text.endswith(b'"'):
            states[number] = from_base64(text[len(_STORED) : -1].decode(), "stored event")
        else:
            raise ValueError("its data do not end")
    for topic, numbers in by_names.items():
        members = [data[number][:-1] for number in numbers]
        for number, state in zip(numbers, _renamed(members, _names(topic)), strict=True):
            states[number] = state
    return states


def stored_state(topic: bytes, members: bytes) -> bytes:
    """The event as it is stored, from the members of a line's `data`: only their names change.

    Each name has its capitals made small, behind `_`; boxes are last, with the names of their
    fields. An exporter gives an event as it is stored if this would not give it. Raises ValueError
    if they cannot be in a line.
    """
    if b"\n" in members:
        raise ValueError("a line has no line feed within")
    (state,) = _renamed([members], _names(topic))
    return state


class _Names(dict[bytes, bytes]):
    """The beginnings of members as they are stored, by their names in an export."""

    def __missing__(self, name: bytes) -> bytes:
        made = self[name] = b'"%b":' % _CAPITAL.sub(rb"_\1", name).lower()
        return made


@lru_cache(1_000)
def _names(topic: bytes) -> _Names:
    other = OTHER_NAMES.get(topic, {})
    return _Names({name: b'"%b":' % own for name, own in other.items()})


def _renamed(members: Sequence[bytes], names: _Names) -> list[bytes]:
    """The stored events of members of lines, all by the same names."""
    # One text of all: before each box, its name, itself, and its fields; at last, what is behind.
    parts = _BOX.split(b"{%b}" % (b"}%b{" % _NEXT).join(members))
    plain = _MEMBER.split(_BOX_HERE.join(parts[::4]))
    plain[1::2] = map(names.__getitem__, plain[1::2])
    parts[::4] = b"".join(plain).split(_BOX_HERE)
    boxes, fields = parts[2::4], parts[3::4]
    parts[1::4] = [names[name] + b'{"fields":' for name in parts[1::4]]
    parts[2::4] = [each + b',"box":' for each in fields]
    parts[3::4] = [each + b"}" for each in boxes]
    return b"".join(parts).split(_NEXT)
