"""The lines of an export on their way in: read, unchained, and judged one after another."""

from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec import Struct

from app.care.files import CutOff
from app.care.lines import (
    Altered,
    Chain,
    Checkpoint,
    CheckpointLine,
    EventLine,
    KeyLine,
    LogKeys,
    StreamKey,
    UsedKey,
    decoded,
    time_of,
)
from app.log.keyring import Keyring

_AS_EXPORTED = "it is not as it was exported, or another line is missing, added or moved before it"


class Incoming(Struct, frozen=True):
    """A line with its number, and what it holds."""

    number: int
    content: EventLine | StreamKey | UsedKey | Checkpoint

    def __str__(self) -> str:
        """Where it is, for a sentence."""
        return f"Line {self.number} ({_what(self.content)})"

    def altered(self, why: str) -> Altered:
        """The error for this line."""
        return Altered(f"{self}: {why}")


def first_line(lines: Iterator[bytes]) -> tuple[bytes, LogKeys]:
    """The first line of an export, and what it holds. Raises Altered."""
    try:
        text = next(lines, b"")
        line = decoded(text)
        if isinstance(line, KeyLine):
            return text, msgspec.json.decode(line.key, type=LogKeys)
    except (msgspec.MsgspecError, ValueError, CutOff) as error:
        raise Altered("Line 1 is not that of an export, or it was altered") from error
    raise Altered(
        "Line 1 is not the first one of an export that can be imported: lines before it are "
        "missing, or it was written with --clear"
    )


def begun(keyring: Keyring, first: bytes) -> Chain:
    """The chain behind the first line. Raises Altered."""
    chain, line = Chain(keyring), decoded(first)
    if chain.next(line) != line.chain:
        raise Altered("Line 1: it is not as it was exported")
    return chain


def incoming(keyring: Keyring, first: bytes, rest: Iterator[bytes]) -> Iterator[Incoming]:
    """The lines behind the first one, each as it was exported; the checkpoint is the last.

    Raises Altered for any other file.
    """
    chain, number, last = begun(keyring, first), 1, "the first line"
    try:
        for number, text in enumerate(rest, 2):
            found = _judged(number, text, chain)
            yield found
            last = str(found)
            if isinstance(found.content, Checkpoint):
                break
        else:
            raise CutOff("there is no checkpoint")
        if next(rest, None) is not None:
            raise Altered(f"Line {number + 1} follows the checkpoint, which has to be the last one")
    except CutOff as error:
        raise Altered(f"The file is cut off after {last}: {error}") from error


def _judged(number: int, text: bytes, chain: Chain) -> Incoming:
    what = "which cannot be read"
    try:
        line = decoded(text)
        what = str(line)
        if chain.next(line) == line.chain:
            return Incoming(number, _content(line))
    except (msgspec.MsgspecError, ValueError) as error:
        raise Altered(f"Line {number} ({what}): it was altered") from error
    raise Altered(f"Line {number} ({what}): {_AS_EXPORTED}")


def _content(
    line: EventLine | KeyLine | CheckpointLine,
) -> EventLine | StreamKey | UsedKey | Checkpoint:
    match line:
        case EventLine():
            return line
        case CheckpointLine():
            return line.checkpoint
        case KeyLine():
            members = msgspec.json.decode(line.key, type=dict[str, msgspec.Raw])
            if "wrapped" in members:
                return msgspec.json.decode(line.key, type=StreamKey)
            return msgspec.json.decode(line.key, type=UsedKey)


def _what(content: EventLine | StreamKey | UsedKey | Checkpoint) -> str:
    match content:
        case StreamKey():
            return f"key of stream {content.stream}"
        case UsedKey():
            return "an idempotency key"
        case Checkpoint():
            return "the checkpoint"
        case EventLine():
            return str(content)


class Place(Struct):
    """Where a partition has come to."""

    position: int = 0
    recorded_at: datetime | None = None

    def accept(self, found: Incoming, event: EventLine) -> None:
        """Take up the next event. Raises Altered."""
        if event.position != self.position + 1:
            raise found.altered(f"position {self.position + 1} belongs here")
        at = time_of(event.recorded_at)
        if self.recorded_at is not None and at < self.recorded_at:
            raise found.altered("it is earlier than the event before it")
        self.position, self.recorded_at = event.position, at
