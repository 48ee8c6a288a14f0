"""Proof that the log is whole and unaltered: leaves, trees, signed checkpoints, the verifier."""
