"""Trees of RFC 9162, section 2.1: hashes, roots, and proofs of inclusion and of consistency.

Only the standard library is imported: this is a part of the verifier that is handed out.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256().digest()
MAX_SIZE = 2**63 - 1
MAX_HASHES = 64
_WIDEST = 1 << 10
"""Leaves whose hashes are made into one at a time: so many stay in the processor's memory."""


class Unproven(Exception):
    """Something is not shown, or not what it has to be; the message is a sentence."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node, of its children's hashes."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a tree that grows: the hashes of its whole subtrees, the widest first."""

    def __init__(self) -> None:
        """An empty tree."""
        self.size = 0
        self.hashes: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add the hash of a leaf."""
        self._add(leaf, 1)

    def extend(self, leaves: bytes | bytearray) -> None:
        """Add the hashes of many leaves, one behind the other: several times as fast."""
        at, end = 0, len(leaves)
        while at < end:
            # A whole subtree that begins here: it begins at a multiple of its width.
            width = min(1 << ((end - at) // HASH_BYTES).bit_length() - 1, _WIDEST)
            if self.size:
                width = min(width, self.size & -self.size)
            level = leaves[at : at + width * HASH_BYTES]
            at += width * HASH_BYTES
            while len(level) > HASH_BYTES:
                level = b"".join([
                    sha256(b"\x01" + level[node : node + 2 * HASH_BYTES]).digest()
                    for node in range(0, len(level), 2 * HASH_BYTES)
                ])  # fmt: skip
            self._add(bytes(level), width)

    def _add(self, subtree: bytes, width: int) -> None:
        size = self.size
        self.size = size + width
        while size & width:
            subtree = node_hash(self.hashes.pop(), subtree)
            width <<= 1
        self.hashes.append(subtree)

    def root(self) -> bytes:
        """The root of the tree."""
        root, *wider = reversed(self.hashes or [EMPTY_ROOT])
        for left in wider:
            root = node_hash(left, root)
        return root


def root_of(hashes: Iterable[bytes]) -> bytes:
    """The root over the hashes of all leaves."""
    frontier = Frontier()
    frontier.extend(b"".join(hashes))
    return frontier.root()


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Show that `leaf`, a hash, has that index in a tree. Raises Unproven."""
    if not 0 <= index < size <= MAX_SIZE:
        raise Unproven(f"A tree of {size} leaves has no leaf with the index {index}")
    _require_hashes(leaf, *proof, root)
    node, last = index, size - 1
    for number, sibling in enumerate(proof, 1):
        if last == 0:
            raise Unproven(f"The inclusion proof has {len(proof)} hashes, not {number - 1}")
        if node & 1 or node == last:
            leaf = node_hash(sibling, leaf)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            leaf = node_hash(leaf, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise Unproven(f"The inclusion proof has only {len(proof)} hashes: some are missing")
    if leaf != root:
        raise Unproven(
            f"The inclusion proof does not lead from leaf {index} to the root of the tree of "
            f"{size}: the event, a hash of the proof, the index or the tree is another one"
        )


def verify_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Show that the old tree is the beginning of the new one. Raises Unproven."""
    if not 0 <= old_size <= new_size <= MAX_SIZE:
        raise Unproven(f"A tree of {new_size} leaves does not go on from one of {old_size}")
    _require_hashes(old_root, new_root, *proof)
    if old_size in (0, new_size):
        if proof:
            raise Unproven(f"A proof from {old_size} to {new_size} has no hashes, not {len(proof)}")
        if old_root != (new_root if old_size else EMPTY_ROOT):
            raise Unproven(f"There are two different trees of {old_size} leaves")
        return
    hashes = list(proof) if old_size & (old_size - 1) else [old_root, *proof]
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = hashes[0] if hashes else b""
    for sibling in hashes[1:]:
        if last == 0:
            raise Unproven("The consistency proof has too many hashes")
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    if last or (old, new) != (old_root, new_root):
        raise Unproven(
            f"It is not shown that the tree of {old_size} leaves is the beginning of that of "
            f"{new_size}: one of them, or a hash of the proof, is another one"
        )


def _require_hashes(*hashes: bytes) -> None:
    if len(hashes) > MAX_HASHES + 2 or any(len(each) != HASH_BYTES for each in hashes):
        raise Unproven(f"A proof has at most {MAX_HASHES} hashes, each of {HASH_BYTES} bytes")
