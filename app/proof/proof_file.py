"""Proof files of the C2SP format tlog-proof: an entry, its path in the tree, and a checkpoint.

Only the standard library is imported: this is a part of the verifier that is handed out.
"""

import re
from typing import NamedTuple, Self

from app.proof.notes import Note, base64_text, decimal, from_base64, parse_note, utf8
from app.proof.trees import HASH_BYTES, MAX_HASHES, Unproven

PROOF_FORM = "c2sp.org/tlog-proof@v1"
MAX_PROOF_BYTES = 1 << 27
"""An event's state, in Base64, may be long."""
_NEXT_PROOF = re.compile(b"(?<=\n)(?=%b\n)" % PROOF_FORM.encode())


class TlogProof(NamedTuple):
    """A proof file: an index, its path in the tree of a checkpoint, and data about the entry."""

    leaf_index: int
    hashes: tuple[bytes, ...]
    note: Note
    """The checkpoint."""
    extra: bytes | None = None

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """The proof in some bytes. Raises Unproven."""
        if len(data) > MAX_PROOF_BYTES:
            raise Unproven(f"The proof has more than {MAX_PROOF_BYTES} bytes")
        head, blank, note = data.partition(b"\n\n")
        form, *lines = utf8(head, "proof").split("\n")
        if form != PROOF_FORM or not blank:
            raise Unproven(f"A proof begins with the line {PROOF_FORM}, and ends with a checkpoint")
        extra = None
        if lines and lines[0].startswith("extra "):
            extra = from_base64(lines.pop(0)[6:], "extra line")
        if not lines or not lines[0].startswith("index "):
            raise Unproven("The proof has no line with the index in its place")
        if len(lines) > MAX_HASHES + 1:
            raise Unproven(f"The proof has more than {MAX_HASHES} hashes")
        hashes = tuple(
            from_base64(line, f"hash {number} of the proof")
            for number, line in enumerate(lines[1:], 1)
        )
        for number, found in enumerate(hashes, 1):
            if len(found) != HASH_BYTES:
                raise Unproven(
                    f"Hash {number} of the proof has {len(found)} bytes, not {HASH_BYTES}"
                )
        return cls(decimal(lines[0][6:], "index"), hashes, parse_note(note), extra)

    def __str__(self) -> str:
        """The file."""
        extra = [] if self.extra is None else [f"extra {base64_text(self.extra)}"]
        hashes = map(base64_text, self.hashes)
        return "\n".join(
            (PROOF_FORM, *extra, f"index {self.leaf_index}", *hashes, "", str(self.note))
        )


def parse_proofs(data: bytes) -> list[TlogProof]:
    """The proofs in some bytes, one behind the other, at least one. Raises Unproven."""
    found, parts = [], _NEXT_PROOF.split(data)
    for number, part in enumerate(parts, 1):
        try:
            found.append(TlogProof.parse(part))
        except Unproven as error:
            raise error if len(parts) == 1 else Unproven(f"Proof {number}: {error}") from error
    return found
