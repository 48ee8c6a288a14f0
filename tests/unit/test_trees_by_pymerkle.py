"""Trees and their proofs against pymerkle, which is not ours: both find the same, pair by pair."""

import os
import random
from collections.abc import Sequence
from functools import lru_cache

import pymerkle
import pytest

from app.proof.verifier import (
    Frontier,
    Unproven,
    node_hash,
    verify_consistency,
    verify_inclusion,
)

PAIRS = int(os.environ.get("TEST_PROOF_PAIRS", "2000"))
LEAVES = 3_000


@pytest.fixture(scope="module")
def tree() -> pymerkle.InmemoryTree:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for number in range(LEAVES):
        tree.append_entry(number.to_bytes(4, "big"))
    return tree


@pytest.fixture(scope="module")
def leaves(tree: pymerkle.InmemoryTree) -> list[bytes]:
    return [tree.get_leaf(number) for number in range(1, LEAVES + 1)]


@pytest.fixture(scope="module")
def roots(leaves: list[bytes]) -> list[bytes]:
    frontier = Frontier()
    found = [frontier.root()]
    for leaf in leaves:
        frontier.append(leaf)
        found.append(frontier.root())
    return found


def changed(hashes: Sequence[bytes], rng: random.Random) -> list[bytes]:
    place, bit = rng.randrange(len(hashes)), rng.randrange(256)
    part = bytearray(hashes[place])
    part[bit // 8] ^= 1 << bit % 8
    return [*hashes[:place], bytes(part), *hashes[place + 1 :]]


def test_all_roots_are_the_same(tree: pymerkle.InmemoryTree, roots: list[bytes]) -> None:
    assert [tree.get_root(size) for size in range(LEAVES + 1)] == roots


def test_many_leaves_at_once_make_the_tree_that_they_make_one_by_one(
    leaves: list[bytes], roots: list[bytes]
) -> None:
    rng = random.Random(9)
    for _ in range(100):
        sizes = sorted(rng.sample(range(LEAVES + 1), 4))
        frontier = Frontier()
        for size in sizes:
            frontier.extend(b"".join(leaves[frontier.size : size]))
            assert (frontier.size, frontier.root()) == (size, roots[size])


def test_its_proofs_of_inclusion_are_taken_and_changed_ones_are_not(
    tree: pymerkle.InmemoryTree, leaves: list[bytes], roots: list[bytes]
) -> None:
    rng = random.Random(1)
    for _ in range(PAIRS):
        size = rng.randint(1, LEAVES)
        index = rng.randrange(size)
        leaf, *proof = tree.prove_inclusion(index + 1, size).path
        assert leaf == leaves[index]
        verify_inclusion(leaf, index, size, proof, roots[size])
        other, *path = changed([leaf, *proof], rng)
        with pytest.raises(Unproven):
            verify_inclusion(other, index, size, path, roots[size])


def test_both_find_the_same_trees_consistent(
    tree: pymerkle.InmemoryTree, leaves: list[bytes], roots: list[bytes]
) -> None:
    @lru_cache(100_000)
    def root(start: int, end: int) -> bytes:
        if end - start == 1:
            return leaves[start]
        half = start + (1 << (end - start - 1).bit_length() - 1)
        return node_hash(root(start, half), root(half, end))

    def proof_of(old: int, start: int, end: int, is_known: bool) -> list[bytes]:
        """RFC 9162, 2.1.4.1, for the leaves between."""
        if old == end:
            return [] if is_known else [root(start, end)]
        half = start + (1 << (end - start - 1).bit_length() - 1)
        if old <= half:
            return [*proof_of(old, start, half, is_known), root(half, end)]
        return [*proof_of(old, half, end, False), root(start, half)]

    rng = random.Random(2)
    for _ in range(PAIRS):
        new = rng.randint(1, LEAVES)
        old = rng.randint(1, new)
        pymerkle.verify_consistency(roots[old], roots[new], tree.prove_consistency(old, new))
        proof = proof_of(old, 0, new, True)
        verify_consistency(old, tree.get_root(old), new, tree.get_root(new), proof)
        first, last, *path = changed([roots[old], roots[new], *proof], rng)
        with pytest.raises(Unproven):
            verify_consistency(old, first, new, last, path)
