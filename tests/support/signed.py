"""Logs and witnesses that sign checkpoints, as in the C2SP formats."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from app.proof.notes import COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44, ED25519
from app.proof.verifier import Checkpoint, Note, Signature, VerifierKey, root_of

NOW_S = 1_800_000_000


@dataclass(frozen=True)
class Signer:
    """A private key with its name; `type`: of its signatures."""

    name: str
    type: int = ED25519
    ed25519: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    ml_dsa: MLDSA44PrivateKey = field(default_factory=MLDSA44PrivateKey.generate)

    @property
    def private(self) -> Ed25519PrivateKey | MLDSA44PrivateKey:
        return self.ml_dsa if self.type == COSIGNATURE_ML_DSA_44 else self.ed25519

    @property
    def key(self) -> VerifierKey:
        return VerifierKey(self.name, self.type, self.private.public_key().public_bytes_raw())

    def sign(self, text: str, time_s: int = NOW_S) -> Signature:
        return self.key.signature(self.private.sign(self.key.message(text, time_s)), time_s)


def signers(name: str) -> list[Signer]:
    """One of each type."""
    return [Signer(name, kind) for kind in (ED25519, COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44)]


def signed(text: str, *by: Signer) -> Note:
    return Note(text, tuple(signer.sign(text) for signer in by))


def checkpoint_of(origin: str, leaves: Sequence[bytes]) -> Checkpoint:
    """Of a tree with these hashes of leaves."""
    return Checkpoint(origin, len(leaves), root_of(leaves))
