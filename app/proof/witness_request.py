"""The body of C2SP's `add-checkpoint`, and what a witness refuses it for.

WitnessRefusal
├── Malformed 400       ├── UnknownOrigin 404     ├── OtherSize 409
├── UntrustedKey 403    └── Inconsistent 422
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as NoBase64
from http import HTTPStatus

from msgspec import Struct

MAX_BODY_BYTES = 256 * 1024
"""Limit of a body: C2SP asks for 16 signatures at least, and one by ML-DSA-44 takes 3,300 bytes."""
MAX_PROOF_HASHES = 63
MAX_SIZE = 2**63 - 1
"""The largest tree: that of the numbers in the witness's file, and of positions in our logs."""
_HASH_BYTES = 32
_OLD = re.compile(r"old (0|[1-9][0-9]{0,19})")
_HASH_CHARACTERS = 44


class WitnessRefusal(Exception):
    """The checkpoint is not cosigned; the message is the answer's body."""

    status = HTTPStatus.BAD_REQUEST
    content_type = "text/plain; charset=utf-8"


class Malformed(WitnessRefusal):
    """The body is not what the protocol says."""


class UntrustedKey(WitnessRefusal):
    """No key that is trusted for the log has signed the checkpoint."""

    status = HTTPStatus.FORBIDDEN


class UnknownOrigin(WitnessRefusal):
    """The witness does not follow the log."""

    status = HTTPStatus.NOT_FOUND


class OtherSize(WitnessRefusal):
    """The old size is not that of the last cosigned checkpoint, which is the message."""

    status = HTTPStatus.CONFLICT
    content_type = "text/x.tlog.size"


class Inconsistent(WitnessRefusal):
    """The tree is no continuation of the one that was cosigned, or this was not shown."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class AddCheckpoint(Struct, frozen=True):
    """A request: the old size, the consistency proof from it, and the note."""

    old_size: int
    proof: tuple[bytes, ...]
    note: str


def parse_add_checkpoint(body: bytes) -> AddCheckpoint:
    """A request from its body; the note itself is not looked at. Raises Malformed."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"Byte {error.start} is not UTF-8") from error
    head, separator, note = text.partition("\n\n")
    if not separator:
        raise Malformed("There is no empty line before the checkpoint")
    first, *hashes = head.split("\n")
    old = _OLD.fullmatch(first)
    if old is None or (size := int(old[1])) > MAX_SIZE:
        raise Malformed("The first line is not 'old' and the size of a tree")
    if len(hashes) > MAX_PROOF_HASHES:
        raise Malformed(f"The proof has more than {MAX_PROOF_HASHES} lines")
    proof = tuple(_hash(line, number) for number, line in enumerate(hashes, 2))
    return AddCheckpoint(size, proof, note)


def format_add_checkpoint(request: AddCheckpoint) -> bytes:
    """The body of a request."""
    lines = [f"old {request.old_size}", *(b64encode(each).decode() for each in request.proof)]
    return ("\n".join(lines) + f"\n\n{request.note}").encode()


def _hash(line: str, number: int) -> bytes:
    """A line of the proof, in the one spelling of its bytes."""
    if len(line) == _HASH_CHARACTERS and line.isascii():
        try:
            found = b64decode(line, validate=True)
        except NoBase64:
            found = b""
        if len(found) == _HASH_BYTES and line == b64encode(found).decode():
            return found
    raise Malformed(f"Line {number} is not a hash in Base64")
