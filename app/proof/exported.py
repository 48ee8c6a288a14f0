"""The events of an export, as the columns that their leaves are made of, with no value changed.

Only the standard library is imported: this is a part of the verifier that is handed out.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache

from app.proof.leaves import Columns
from app.proof.notes import from_base64
from app.proof.trees import Unproven

OTHER_NAMES: Mapping[bytes, Mapping[bytes, bytes]] = {
    b"account.created.v1": {b"id": b"account_id"},
    b"ai_session.action_proposed.v1": {b"date": b"proposed_at"},
    b"chat_session.message_added.v1": {b"ChatMessageId": b"message_id"},
}
"""By type: the stored names of members that do not follow from their names in an export."""
_TEXT = rb'"([^"\\]*(?:\\.[^"\\]*)*)"'
_ID = rb'"([0-9a-f-]{36})"'
_EVENT = re.compile(
    rb'\{"partition":([0-9]{1,9}),"position":([0-9]{1,19}),"stream":%(id)b,"version":([0-9]{1,19}),'
    rb'"sessionId":%(text)b,"type":%(text)b,"eventId":%(id)b,"recordedAt":"([-0-9T:.]{26})Z",'
    rb'"actor":%(text)b,"metadata":' % {b"id": _ID, b"text": _TEXT}
)
_DATA, _CHAIN, _STORED = b',"data":{', b',"chain":"', b'},"stored":"'
_LINE_END = b'"}\n'
_MEMBER = re.compile(rb'"(\w+)":')
_CAPITAL = re.compile(rb"(?<!^)([A-Z])")
_BOX = re.compile(rb'"(sealed\w*)":("[^"]*"),"\1Fields":(\[[^]]*\])')
_EPOCH = datetime.fromisoformat("1970-01-01")


class Export:
    """The lines of an export. What it says of its end is known when its events have been read."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        """Nothing is read yet."""
        self._lines = lines
        self.notes: list[str] = []
        """The signed checkpoints that it ends with."""

    def events(self) -> Iterator[Columns]:
        """The columns of each event. Raises Unproven, also if the export is cut off."""
        number = 0
        for number, line in enumerate(self._lines, 1):
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
            elif not line.startswith(b'{"key":'):
                raise Unproven(
                    f"Line {number} is not one of an export with sealed fields (one that was "
                    "written with --clear cannot be checked)"
                )
        raise Unproven(f"The export is cut off after line {number}: there is no checkpoint")

    def _take_end(self, number: int, line: bytes) -> None:
        try:
            notes = json.loads(line)["checkpoint"].get("notes", {})
            self.notes = [str(note) for note in notes.values()]
        except (ValueError, KeyError, AttributeError, RecursionError) as error:
            raise Unproven(f"Line {number}, the checkpoint, cannot be read") from error


def event_columns(line: bytes) -> Columns:
    """The columns of an event, from its line in an export. Raises Unproven."""
    found = _EVENT.match(line)
    if found is None:
        raise Unproven("It is not the line of an event in an export with sealed fields")
    try:
        return _columns(found, line)
    except ValueError as error:
        raise Unproven(f"It is not as exports have it: {error}") from error


def _columns(found: re.Match[bytes], line: bytes) -> Columns:
    partition, position, stream, version, _, topic, event_id, at, actor = found.groups()
    behind = found.end()
    begin, end = line.find(_DATA, behind), line.rfind(_CHAIN)
    if end < 0:
        raise ValueError("it has no chain (an export that was written with --clear has none)")
    is_last = line.find(b'"', end + len(_CHAIN)) == len(line) - len(_LINE_END)
    if not 0 <= begin < end or not is_last or not line.endswith(_LINE_END):
        raise ValueError("it has no data, or something behind its chain")
    if b"\\" in line[:behind]:
        topic, actor = _unescaped(topic), _unescaped(actor)
    data = line[begin + len(_DATA) : end]
    if data.endswith(b"}"):
        state = stored_state(topic, data[:-1])
    elif data.startswith(_STORED) and data.endswith(b'"'):
        state = from_base64(data[len(_STORED) : -1].decode(), "stored event")
    else:
        raise ValueError("its data do not end")
    stream = bytes.fromhex(stream.replace(b"-", b"").decode())
    event_id = bytes.fromhex(event_id.replace(b"-", b"").decode())
    if not len(stream) == len(event_id) == 16:
        raise ValueError("an id has another length")
    since = datetime.fromisoformat(at.decode()) - _EPOCH
    time_us = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    return (
        int(partition), int(position), stream, int(version), topic, state, event_id, time_us, actor,
        line[behind:begin],
    )  # fmt: skip


def _unescaped(text: bytes) -> bytes:
    unescaped: str = json.loads(b'"%b"' % text)
    return unescaped.encode()


def stored_state(topic: bytes, members: bytes) -> bytes:
    """The event as it is stored, from the members of a line's `data`: only their names change.

    Each name has its capitals made small, behind `_`; boxes are last, with the names of their
    fields. An exporter gives an event as it is stored if this would not give it.
    """
    plain, *boxes = _BOX.split(members)
    names, parts = _names(topic), _MEMBER.split(plain) if plain else []
    if plain:
        parts[1::2] = [names[name] for name in parts[1::2]]
    for at in range(0, len(boxes), 4):
        name, box, fields, behind = boxes[at : at + 4]
        parts.append(b'%b{"fields":%b,"box":%b}%b' % (names[name], fields, box, behind))
    return b"{%b}" % b"".join(parts)


class _Names(dict[bytes, bytes]):
    """The beginnings of members as they are stored, by their names in an export."""

    def __missing__(self, name: bytes) -> bytes:
        made = self[name] = b'"%b":' % _CAPITAL.sub(rb"_\1", name).lower()
        return made


@lru_cache(1_000)
def _names(topic: bytes) -> _Names:
    other = OTHER_NAMES.get(topic, {})
    return _Names({name: b'"%b":' % own for name, own in other.items()})
