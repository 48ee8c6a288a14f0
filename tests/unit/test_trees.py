"""Trees and their proofs: the vectors of RFC 6962's implementations, and every changed bit."""

from collections.abc import Sequence

import pytest
from support.rfc9162 import consistency, inclusion, root

from app.proof.verifier import (
    EMPTY_ROOT,
    Unproven,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

LEAVES = [
    leaf_hash(bytes.fromhex(text))
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
"""Of the trees of 1 to 8 of these leaves."""


def changed(parts: Sequence[bytes], place: int, bit: int) -> list[bytes]:
    part = bytearray(parts[place])
    part[bit // 8] ^= 1 << bit % 8
    return [*parts[:place], bytes(part), *parts[place + 1 :]]


def test_roots_are_those_of_rfc_6962() -> None:
    assert root_of([]) == EMPTY_ROOT
    assert [root_of(LEAVES[:size]).hex() for size in range(1, 9)] == list(ROOTS)


def test_proofs_are_those_of_rfc_9162_for_all_small_trees() -> None:
    leaves = [leaf_hash(bytes((number,))) for number in range(40)]
    roots = [root_of(leaves[:size]) for size in range(41)]
    for size in range(1, 41):
        assert roots[size] == root(leaves[:size])
        for index in range(size):
            proof = inclusion(index, leaves[:size])
            verify_inclusion(leaves[index], index, size, proof, roots[size])
        for old in range(size + 1):
            proof = consistency(old, leaves[:size]) if old else []
            verify_consistency(old, roots[old], size, roots[size], proof)


def test_every_changed_bit_of_a_proof_of_inclusion_fails() -> None:
    for size, index in ((1, 0), (8, 5), (13, 12), (13, 3)):
        leaves = [leaf_hash(bytes((number,))) for number in range(size)]
        parts = [leaves[index], *inclusion(index, leaves), root(leaves)]
        for place in range(len(parts)):
            for bit in range(256):
                leaf, *proof, last = changed(parts, place, bit)
                with pytest.raises(Unproven):
                    verify_inclusion(leaf, index, size, proof, last)


def test_every_changed_bit_of_a_proof_of_consistency_fails() -> None:
    leaves = [leaf_hash(bytes((number,))) for number in range(13)]
    for old in (4, 6, 12):
        parts = [root(leaves[:old]), *consistency(old, leaves), root(leaves)]
        for place in range(len(parts)):
            for bit in range(256):
                first, *proof, last = changed(parts, place, bit)
                with pytest.raises(Unproven):
                    verify_consistency(old, first, 13, last, proof)


def test_another_index_or_size_fails() -> None:
    leaves = [leaf_hash(bytes((number,))) for number in range(13)]
    proof, last = inclusion(5, leaves), root(leaves)
    for index in range(-1, 14):
        if index != 5:
            with pytest.raises(Unproven):
                verify_inclusion(leaves[5], index, 13, proof, last)
    for size in (-1, 0, 5, 7, 8, 32, 2**63):
        with pytest.raises(Unproven):
            verify_inclusion(leaves[5], 5, size, proof, last)


@pytest.mark.parametrize(
    ("old", "new", "proof"),
    [
        (3, 8, []),
        (8, 3, []),
        (8, 8, [LEAVES[0]]),
        (0, 8, [LEAVES[0]]),
        (-1, 8, []),
        (4, 8, [LEAVES[0][:31]]),
        (4, 8, [LEAVES[0]] * 100),
        (6, 8, consistency(6, LEAVES)[:-1]),
        (6, 8, [*consistency(6, LEAVES), LEAVES[0]]),
    ],
)
def test_proofs_of_another_length_fail(old: int, new: int, proof: list[bytes]) -> None:
    with pytest.raises(Unproven):
        verify_consistency(old, root(LEAVES[: max(old, 0)]), new, root(LEAVES[:new]), proof)


def test_two_trees_of_one_size_are_not_consistent() -> None:
    with pytest.raises(Unproven, match="two different trees of 3 leaves"):
        verify_consistency(3, root(LEAVES[:3]), 3, root(LEAVES[1:4]), [])


@pytest.mark.parametrize("change", [[], [LEAVES[0]] * 2, [b"short"], [LEAVES[0]] * 100])
def test_a_proof_of_inclusion_has_as_many_hashes_as_the_tree_has_levels(
    change: list[bytes],
) -> None:
    with pytest.raises(Unproven):
        verify_inclusion(LEAVES[0], 0, 2, change, root(LEAVES[:2]))
