"""Trees and their proofs as RFC 9162 defines them, slowly."""

import hashlib
from collections.abc import Sequence

from app.proof.verifier import node_hash


def root(leaves: Sequence[bytes]) -> bytes:
    """As RFC 9162 defines it (2.1.1)."""
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256().digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(root(leaves[:half]), root(leaves[half:]))


def inclusion(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """As RFC 9162 defines it (2.1.3.1)."""
    if len(leaves) == 1:
        return []
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if index < half:
        return [*inclusion(index, leaves[:half]), root(leaves[half:])]
    return [*inclusion(index - half, leaves[half:]), root(leaves[:half])]


def consistency(old: int, leaves: Sequence[bytes], whole: bool = True) -> list[bytes]:
    """As RFC 9162 defines it (2.1.4.1)."""
    if old == len(leaves):
        return [] if whole else [root(leaves)]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if old <= half:
        return [*consistency(old, leaves[:half], whole), root(leaves[half:])]
    return [*consistency(old - half, leaves[half:], False), root(leaves[:half])]
