"""The events of an export, as the columns that their leaves are made of, with no value changed.

Only the standard library is imported: this is a part of the verifier that is handed out.
"""

import json
import re
from binascii import unhexlify
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache

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
_ID = rb'"([0-9a-f-]{36})"'
_EVENT = re.compile(
    rb'\{"partition":([0-9]{1,9}),"position":([0-9]{1,19}),"stream":%(id)b,"version":([0-9]{1,19}),'
    rb'"sessionId":"[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*","type":%(text)b,"eventId":%(id)b,'
    rb'"recordedAt":"([-0-9T:]{19})\.([0-9]{6})Z","actor":%(text)b,"metadata":'
    % {b"id": _ID, b"text": _TEXT}
)
_KEY = re.compile(rb'\{"key":\{.*\},"chain":"[^"]*"\}\n')
_DATA, _CHAIN, _STORED = b',"data":{', b',"chain":"', b'},"stored":"'
_LINE_END = b'"}\n'
_DATA_BEGIN, _CHAIN_BEGIN = len(_DATA), len(_CHAIN)
_NO_END = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
_MEMBER = re.compile(rb'"(\w+)":')
_CAPITAL = re.compile(rb"(?<!^)([A-Z])")
_BOX = re.compile(rb'"(sealed\w*)":("[^"]*"),"\1Fields":(\[[^]]*\])')
_EPOCH = datetime.fromisoformat("1970-01-01")


class Export:
    """The lines of an export. What it says of its end is known when its events have been read."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        """Nothing is read yet."""
        self._lines = lines
        self.notes: dict[str, str] = {}
        """The signed checkpoints that it ends with, by partition."""
        self.positions: dict[int, int] = {}
        """The last position of each partition, as it says."""

    def events(self) -> Iterator[Columns]:
        """The columns of each event. Raises Unproven, also if the export is cut off."""
        number = 0
        for number, line in enumerate(self._lines, 1):
            if not line.isascii():
                _require_utf8(line, number)
            line = as_encoded(line)
            if found := _EVENT.match(line):
                try:
                    yield _columns(found, line)
                except (ValueError, Unproven) as error:
                    raise Unproven(f"Line {number} is not as exports have it: {error}") from error
            elif line.startswith(b'{"checkpoint":'):
                self._take_end(number, line)
                if next(iter(self._lines), None) is not None:
                    raise Unproven(
                        f"Line {number + 1} follows the checkpoint, which ends an export"
                    )
                return
            elif not _KEY.fullmatch(line):
                raise Unproven(
                    f"Line {number} is not one of an export with sealed fields (one that was "
                    "written with --clear cannot be checked)"
                )
        raise Unproven(f"The export is cut off after line {number}: there is no checkpoint")

    def _take_end(self, number: int, line: bytes) -> None:
        try:
            told = json.loads(line)["checkpoint"]
            notes, positions = told.get("notes", {}), told["positions"]
            self.notes = {str(partition): str(note) for partition, note in notes.items()}
            self.positions = {int(each): int(position) for each, position in positions.items()}
        except _NO_END as error:
            raise Unproven(f"Line {number}, the checkpoint, cannot be read") from error


def _require_utf8(line: bytes, number: int) -> None:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        raise Unproven(f"Line {number} is not UTF-8 at its byte {error.start}") from error


def event_columns(line: bytes) -> Columns:
    """The columns of an event, from its line in an export. Raises Unproven."""
    _require_utf8(line, 1)
    line = as_encoded(line)
    found = _EVENT.match(line)
    if found is None:
        raise Unproven("It is not the line of an event in an export with sealed fields")
    try:
        return _columns(found, line)
    except ValueError as error:
        raise Unproven(f"It is not as exports have it: {error}") from error


def _columns(found: re.Match[bytes], line: bytes) -> Columns:
    partition, position, stream, version, topic, event_id, at, us, actor = found.groups()
    behind, topic = found.end(), _text(topic)
    begin, end = line.find(_DATA, behind), line.rfind(_CHAIN)
    if end < 0:
        raise ValueError("it has no chain (an export that was written with --clear has none)")
    is_last = line.find(b'"', end + _CHAIN_BEGIN) == len(line) - 3
    if not 0 <= begin < end or not is_last or not line.endswith(_LINE_END):
        raise ValueError("it has no data, or something behind its chain")
    data = line[begin + _DATA_BEGIN : end]
    if data.endswith(b"}"):
        state = stored_state(topic, data[:-1])
    elif data.startswith(_STORED) and data.endswith(b'"'):
        state = from_base64(data[len(_STORED) : -1].decode(), "stored event")
    else:
        raise ValueError("its data do not end")
    stream, event_id = stream.replace(b"-", b""), event_id.replace(b"-", b"")
    if not len(stream) == len(event_id) == 32:
        raise ValueError("an id has another length")
    return (
        int(partition), int(position), unhexlify(stream), int(version), topic, state,
        unhexlify(event_id), _second_us(at) + int(us), _text(actor), line[behind:begin],
    )  # fmt: skip


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


def stored_state(topic: bytes, members: bytes) -> bytes:
    """The event as it is stored, from the members of a line's `data`: only their names change.

    Each name has its capitals made small, behind `_`; boxes are last, with the names of their
    fields. An exporter gives an event as it is stored if this would not give it.
    """
    plain, *boxes = _BOX.split(members)
    names, parts = _names(topic), [b"{"]
    if plain:
        parts += _MEMBER.split(plain)
        parts[2::2] = [names[name] for name in parts[2::2]]
    each = iter(boxes)
    for name, box, fields, behind in zip(each, each, each, each, strict=True):
        parts += names[name], b'{"fields":', fields, b',"box":', box, b"}", behind
    parts.append(b"}")
    return b"".join(parts)


class _Names(dict[bytes, bytes]):
    """The beginnings of members as they are stored, by their names in an export."""

    def __missing__(self, name: bytes) -> bytes:
        made = self[name] = b'"%b":' % _CAPITAL.sub(rb"_\1", name).lower()
        return made


@lru_cache(1_000)
def _names(topic: bytes) -> _Names:
    other = OTHER_NAMES.get(topic, {})
    return _Names({name: b'"%b":' % own for name, own in other.items()})
