"""Checkpoints that somebody brings along, in files."""

from pathlib import Path

from msgspec import Struct

from app.proof.brought import read_file
from app.proof.notes import MAX_NOTE_BYTES, Checkpoint, Note, parse_note
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
    """The checkpoints in a file, one behind the other. Raises Unproven, WrongUse, OSError."""
    data = read_file(str(path), _MOST_BYTES)
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
