"""What people bring along to the verifier: keys, checkpoints, and files to be checked.

Only the standard library is imported, and a library for zstd where that is needed: this is a part
of the verifier that is handed out.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BufferedIOBase

from app.proof.checking import Kept
from app.proof.notes import MAX_NOTE_BYTES, Checkpoint, Note, VerifierKey, parse_notes, utf8
from app.proof.signed import by_partition, signed_checkpoint
from app.proof.trees import Unproven

MAX_LINE_BYTES = 1 << 27
_BLOCK_BYTES = 1 << 16
_ZSTANDARD = b"\x28\xb5\x2f\xfd"


class WrongUse(Exception):
    """What was asked for cannot be done; the message is a sentence."""


@contextmanager
def named(name: str) -> Iterator[None]:
    """Put a name before whatever is said to be unproven."""
    try:
        yield
    except Unproven as error:
        raise Unproven(f"{name}{error}") from error


def keys_of(given: Sequence[str]) -> list[VerifierKey]:
    """The public keys that were given, each as itself or as a file of keys. Raises WrongUse."""
    return [key for text in given for key in _keys_of(text)]


def _keys_of(text: str) -> list[VerifierKey]:
    source = "The key that was given"
    try:
        if "+" in text or "PRIVATE" in text:
            return [VerifierKey.parse(text)]
        source = text
        found = list[VerifierKey]()
        lines = utf8(read_file(text, MAX_NOTE_BYTES).replace(b"\r\n", b"\n"), "file").split("\n")
        for number, line in enumerate(lines, 1):
            if line.strip():
                source = f"{text}, line {number}"
                found.append(VerifierKey.parse(line.strip()))
    except FileNotFoundError as error:
        raise WrongUse(
            f"{text[:60]!r} is no key, which has the form name+id+Base64, and no file of keys"
        ) from error
    except Unproven as error:
        raise WrongUse(f"{source} cannot be read: {error}") from error
    if not found:
        raise WrongUse(f"{text} holds no key")
    return found


def kept_in(
    files: Sequence[str], keys: Sequence[VerifierKey], witnesses: Sequence[VerifierKey] = ()
) -> Kept:
    """The signed checkpoints in some files, by partition. Raises WrongUse, Unproven, OSError."""
    found = [each for file in files for each in signed_in(file, keys, witnesses)]
    return by_partition(checkpoint for _, checkpoint in found)


def signed_in(
    file: str, keys: Sequence[VerifierKey], witnesses: Sequence[VerifierKey] = ()
) -> list[tuple[Note, Checkpoint]]:
    """The signed checkpoints in a file, with their notes. Raises WrongUse, Unproven, OSError."""
    data, found = read_file(file, MAX_NOTE_BYTES), list[tuple[Note, Checkpoint]]()
    with named(f"{file}: "):
        notes = parse_notes(data)
    for number, note in enumerate(notes, 1):
        with named(f"{file}, checkpoint {number}: " if len(notes) > 1 else f"{file}: "):
            found.append((note, signed_checkpoint(note, keys, witnesses)))
    return found


def read_file(file: str, most: int) -> bytes:
    """The bytes of a file, or of standard input (-). Raises WrongUse, OSError."""
    with open(0 if file == "-" else file, "rb") as opened:
        found = opened.read(most + 1)
    if len(found) > most:
        raise WrongUse(f"{file} has more than {most} bytes")
    return found


@contextmanager
def blocks_of(file: str) -> Iterator[Iterator[bytes]]:
    """A file, or standard input (-), compressed or not, by many lines at a time.

    A line of more than MAX_LINE_BYTES comes in parts. Raises WrongUse, OSError. Whoever reads the
    blocks may meet Unproven.
    """
    with open(0 if file == "-" else file, "rb") as opened:
        yield _unpacked(opened) if opened.peek(4)[:4] == _ZSTANDARD else _blocks(opened)


def _blocks(opened: BufferedIOBase) -> Iterator[bytes]:
    begun, size = list[bytes](), 0
    while found := opened.read1(_BLOCK_BYTES):
        end = found.rfind(b"\n") + 1
        if end or size > MAX_LINE_BYTES:
            yield b"".join((*begun, found[:end]))
            begun, size = [], 0
        begun.append(found[end:])
        size += len(found) - end
    if size:
        yield b"".join(begun)


def _unpacked(opened: BufferedIOBase) -> Iterator[bytes]:
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd
    except ImportError as error:
        raise WrongUse(
            "The export is compressed, which this Python cannot read: try "
            "`zstd -dc FILE | python verifier.py export - …`, or install backports.zstd"
        ) from error
    with zstd.open(opened) as lines:
        try:
            yield from _blocks(lines)
        except (EOFError, zstd.ZstdError) as error:
            raise Unproven(
                f"The export is cut off, or what is compressed was altered: {error}"
            ) from error
