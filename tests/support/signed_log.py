"""A log that nobody keeps: some leaves, its key, and the checkpoints and proofs of its trees."""

from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.proof.notes import ED25519, Checkpoint, Note, VerifierKey
from app.proof.trees import leaf_hash, root_of
from app.proof.witness_request import AddCheckpoint, format_add_checkpoint


class SignedLog:
    """Logs of the same seed have the same key; their leaves may differ."""

    def __init__(self, leaves: Sequence[str], origin: str = "log.example/0", seed: int = 1) -> None:
        """`leaves`: the data of each."""
        self._private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        public = self._private.public_key().public_bytes_raw()
        self.key = VerifierKey(origin, ED25519, public)
        self.leaves = [leaf_hash(each.encode()) for each in leaves]

    def root(self, size: int) -> bytes:
        return root_of(self.leaves[:size])

    def signed(self, text: str) -> Note:
        made = self.key.signature(self._private.sign(self.key.message(text, None)))
        return Note(text, (made,))

    def note(self, size: int, *extensions: str) -> Note:
        return self.signed(str(Checkpoint(self.key.name, size, self.root(size), tuple(extensions))))

    def proof(self, old: int, new: int) -> list[bytes]:
        """As RFC 9162 defines it (2.1.4.1)."""
        return [] if old in (0, new) else _rest(old, self.leaves[:new], whole=True)

    def request(self, old: int, new: int) -> bytes:
        """The body that brings a witness from one size to another."""
        proof = tuple(self.proof(old, new)) if old <= new else ()
        return format_add_checkpoint(AddCheckpoint(old, proof, str(self.note(new))))


def _rest(old: int, leaves: Sequence[bytes], *, whole: bool) -> list[bytes]:
    if old == len(leaves):
        return [] if whole else [root_of(leaves)]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if old <= half:
        return [*_rest(old, leaves[:half], whole=whole), root_of(leaves[half:])]
    return [*_rest(old - half, leaves[half:], whole=False), root_of(leaves[:half])]
