"""The keys by which a witness cosigns checkpoints, as C2SP's tlog-cosignature says.

An Ed25519 key always, and a second one of ML-DSA-44 where it was asked for.
"""

import secrets
from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from msgspec import Struct

from app.maintenance.secret_file import UnusableFile
from app.proof.notes import (
    COSIGNATURE_ED25519,
    COSIGNATURE_ML_DSA_44,
    Signature,
    VerifierKey,
    is_key_name,
)
from app.proof.witness_state import StoredKey, WitnessState

_SEED_BYTES = 32
_MAX_NAME_BYTES = 255
"""What a cosignature of ML-DSA-44 can name."""


class Cosigner(Struct, frozen=True):
    """A private key of a witness, and its public part."""

    private: Ed25519PrivateKey | MLDSA44PrivateKey
    key: VerifierKey

    def cosign(self, text: str, time_s: int) -> Signature:
        """The cosignature of a checkpoint's text at a time, in seconds since 1970."""
        return self.key.signature(self.private.sign(self.key.message(text, time_s)), time_s)


def cosigners(state: WitnessState, name: str | None, *, ml_dsa: bool) -> Sequence[Cosigner]:
    """The witness's keys: those that it has, and those that it lacks, made.

    `name`: of a new witness, else its name by chance; `ml_dsa`: whether it is to have that key,
    too. Raises UnusableFile if the witness has another name, or the name is none.
    """
    if name is not None and not (is_key_name(name) and len(name.encode()) <= _MAX_NAME_BYTES):
        raise UnusableFile(
            f"{name!r} is no name for a key: it has no spaces, no '+' and at most "
            f"{_MAX_NAME_BYTES} bytes, such as witness.example.com/w1"
        )
    with state.turn() as turn:
        kept = {each.kind: each for each in turn.stored_keys()}
        present = next((each.name for each in kept.values()), None)
        if present is not None and name not in (None, present):
            raise UnusableFile(f"The keys of this witness have the name {present}, not {name}")
        its_name = present or name or f"sessionary-witness-{secrets.token_hex(6)}"
        for kind in (COSIGNATURE_ED25519, *((COSIGNATURE_ML_DSA_44,) if ml_dsa else ())):
            if kind not in kept:
                kept[kind] = StoredKey(kind, its_name, secrets.token_bytes(_SEED_BYTES))
                turn.keep_key(kept[kind])
    return [_cosigner(kept[kind]) for kind in sorted(kept)]


def _cosigner(stored: StoredKey) -> Cosigner:
    private: Ed25519PrivateKey | MLDSA44PrivateKey
    if stored.kind == COSIGNATURE_ML_DSA_44:
        private = MLDSA44PrivateKey.from_seed_bytes(stored.private_key)
    else:
        private = Ed25519PrivateKey.from_private_bytes(stored.private_key)
    public = private.public_key().public_bytes_raw()
    return Cosigner(private, VerifierKey(stored.name, stored.kind, public))
