"""The lines of an exported log, each chained to the one before it; nothing is read or written here.

A line's `chain` is a keyed hash of its content and of the chain before it: who does not have the
master key can change, leave out, add or move no line. The last line is the checkpoint, so a log
that was cut off is recognised, too.
"""

import base64
import hmac
from collections.abc import Sequence
from contextlib import suppress
from copy import copy
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from app.history.names import api_name
from app.history.times import time_text
from app.log.keyring import Keyring
from app.proof import exported
from app.proof.one_line import as_encoded
from domain.event import kind_of
from domain.stored import EVENTS

PURPOSE = b"sessionary export"
_CHAIN_BYTES = 16
_ENCODER = msgspec.json.Encoder()
_FIELDS = msgspec.json.Decoder(dict[str, Raw])


class Altered(Exception):
    """A copy of the log is not as it was made; the message names the place and the event."""


class EventLine(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """An event with its personal fields sealed as they are in the log."""

    partition: int
    position: int
    stream: UUID
    version: int
    session_id: str
    type: str
    event_id: UUID
    recorded_at: str
    actor: str
    metadata: Raw
    data: dict[str, Raw]
    """The fields by the API's names, `sealed` and `sealedFields`; an agent's `sealedAgent…`."""
    stored: bytes | UnsetType = UNSET
    """The event as the log has it, if that does not follow from `data`."""
    chain: str = ""

    def __str__(self) -> str:
        """The event in a sentence."""
        return f"event {self.partition}:{self.position}"


class StreamKey(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The wrapped key of a stream."""

    partition: int
    stream: UUID
    wrapped: bytes


class LogKeys(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The first line: what the log keeps of its master key, and up to where the export goes."""

    master_key: str
    """Fingerprint."""
    check: str
    root: str
    positions: dict[int, int]
    """By partition."""
    recorded_at: dict[int, str]


class UsedKey(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The first use of an idempotency key."""

    partition: int
    stream: UUID
    version: int
    principal: str
    idempotency_key: str
    fingerprint: bytes


class KeyLine(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line that holds a key; which one, its members tell."""

    key: Raw
    chain: str = ""

    def __str__(self) -> str:
        """The key in a few words."""
        return "key"


class Checkpoint(Struct, frozen=True, kw_only=True, rename="camel"):
    """What the log had when it was exported."""

    positions: dict[int, int]
    """The last position of each partition."""
    recorded_at: dict[int, str]
    """And its time."""
    notes: dict[int, str] | UnsetType = UNSET
    """The latest signed checkpoint of each partition's tree, up to there; none in a backup."""


class CheckpointLine(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last line."""

    checkpoint: Checkpoint
    chain: str = ""

    def __str__(self) -> str:
        """It in a few words."""
        return "the checkpoint"


Line = EventLine | KeyLine | CheckpointLine


class Chain:
    """The chain up to some line."""

    def __init__(self, keyring: Keyring) -> None:
        """Begins before the first line."""
        self._key = keyring.signing_key(PURPOSE)
        self._last = b""

    def copy(self) -> "Chain":
        """The chain as it is now."""
        return copy(self)

    def next(self, line: Line) -> str:
        """The chain of the next line."""
        made = hmac.digest(self._key, self._last + _content(line), "sha256")[:_CHAIN_BYTES]
        self._last = made
        return base64.b64encode(made).decode()


def decoded(text: bytes) -> Line:
    """The line of a text. Raises msgspec.MsgspecError, or UnicodeDecodeError."""
    text = as_encoded(text)
    members = _FIELDS.decode(text)
    if "key" in members:
        return msgspec.json.decode(text, type=KeyLine)
    if "checkpoint" in members:
        return msgspec.json.decode(text, type=CheckpointLine)
    return msgspec.json.decode(text, type=EventLine)


def event_line(row: asyncpg.Record, session_id: str) -> EventLine:
    """The line of an event as the log has it, without its chain."""
    line = EventLine(
        partition=row["partition"],
        position=row["position"],
        stream=row["stream"],
        version=row["version"],
        session_id=session_id,
        type=row["topic"],
        event_id=row["event_id"],
        recorded_at=time_text(row["recorded_at"]),
        actor=row["actor"],
        metadata=Raw(row["metadata"].encode()),
        data=_data(row["topic"], row["state"]),
    )
    with suppress(ValueError):
        if stored_state(line) == row["state"] == as_encoded(row["state"]):
            return line
    return msgspec.structs.replace(line, data={}, stored=row["state"])


def stored_state(line: EventLine) -> bytes:
    """The event of a line as the log has it. Raises ValueError if its data has another form."""
    if line.stored is not UNSET:
        return line.stored
    return exported.stored_state(line.type.encode(), _ENCODER.encode(line.data)[1:-1])


def time_of(text: str) -> datetime:
    """A time as lines have it. Raises ValueError."""
    return datetime.fromisoformat(text)


_BOXES = {
    "sealed_agent": ("sealedAgent", "sealedAgentFields"),
    "sealed": ("sealed", "sealedFields"),
}
"""The boxes of a stored event, and what a line calls them and the names of their fields."""


class _Sealed(Struct, frozen=True):
    fields: Raw
    box: Raw


def _data(topic: str, state: bytes) -> dict[str, Raw]:
    try:
        fields = _FIELDS.decode(state)
        boxes = {member: fields.pop(member, None) for member in _BOXES}
        names = _api_names(topic)
        data = {names.get(own, own): value for own, value in fields.items()}
        for member, (box, listed) in _BOXES.items():
            if (given := boxes[member]) is not None:
                found = msgspec.json.decode(given, type=_Sealed)
                data |= {box: Raw(bytes(found.box)), listed: Raw(bytes(found.fields))}
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {}  # then it is given as it is stored
    return data


def _api_names(topic: str) -> dict[str, str]:
    """The API's names of an event's fields, by their own."""
    holder = EVENTS.get(topic)
    if holder is None:
        return {}
    kind = kind_of(topic)
    return {own: api_name(kind, holder, own) for own in holder.__struct_fields__}


def _content(line: Line) -> bytes:
    match line:
        case EventLine():
            parts: Sequence[str | bytes | int] = (
                "event", line.partition, line.position, line.stream.bytes, line.version,
                line.session_id, line.type, line.event_id.bytes, line.recorded_at, line.actor,
                bytes(line.metadata), stored_state(line),
            )  # fmt: skip
        case KeyLine():
            parts = ("key", bytes(line.key))
        case CheckpointLine():
            parts = ("checkpoint", _ENCODER.encode(line.checkpoint))
    encoded = [part if isinstance(part, bytes) else str(part).encode() for part in parts]
    return b"".join(len(part).to_bytes(8, "big") + part for part in encoded)
