"""Checkpoints and keys that somebody brings along, in files."""

from pathlib import Path

from msgspec import Struct

from app.proof.notes import MAX_NOTE_BYTES, Checkpoint, Note, VerifierKey, parse_note
from app.proof.trees import Unproven

_MOST_BYTES = 64 * MAX_NOTE_BYTES
_SIGNATURE = "— ".encode()


class Given(Struct, frozen=True):
    """A checkpoint from outside."""

    source: str
    """Where it is from, for sentences."""
    checkpoint: Checkpoint
    note: Note


def checkpoints_in(path: Path) -> list[Given]:
    """The checkpoints in a file, one behind the other. Raises Unproven, OSError."""
    data = path.read_bytes()
    if len(data) > _MOST_BYTES:
        raise Unproven(f"{path} has more than {_MOST_BYTES} bytes")
    found = []
    for part in notes_in(data):
        try:
            note = parse_note(part)
            found.append(Given(str(path), Checkpoint.parse(note.text), note))
        except Unproven as error:
            raise Unproven(f"{path}: {error}") from error
    return found


def notes_in(data: bytes) -> list[bytes]:
    """Notes that stand one behind the other, with or without an empty line between them."""
    found, signatures, begin, at = [], False, 0, 0
    for line in data.splitlines(keepends=True):
        if line.startswith(_SIGNATURE):
            signatures = True
        elif signatures:
            found.append(data[begin:at])
            signatures = False
            begin = at + 1 if line == b"\n" else at
        at += len(line)
    if begin < len(data) or not found:
        found.append(data[begin:])
    return found


def keys_in(text: str) -> list[VerifierKey]:
    """The key that a text is, or those in the file of that name, a line each.

    Raises Unproven, OSError.
    """
    if "+" in text:
        return [VerifierKey.parse(text.strip())]
    lines = Path(text).read_text().splitlines()
    return [VerifierKey.parse(line.strip()) for line in lines if line.strip()]
