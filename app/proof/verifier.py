"""What proofs are made of and checked with; nothing but Python and `cryptography` is needed."""

from app.proof.leaves import Event, leaf_data, read_leaf
from app.proof.notes import (
    Checkpoint,
    Note,
    Signature,
    TlogProof,
    VerifierKey,
    parse_note,
    parse_signature,
)
from app.proof.trees import (
    EMPTY_ROOT,
    Frontier,
    Unproven,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

__all__ = (
    "EMPTY_ROOT",
    "Checkpoint",
    "Event",
    "Frontier",
    "Note",
    "Signature",
    "TlogProof",
    "Unproven",
    "VerifierKey",
    "leaf_data",
    "leaf_hash",
    "node_hash",
    "parse_note",
    "parse_signature",
    "read_leaf",
    "root_of",
    "verify_consistency",
    "verify_inclusion",
)
