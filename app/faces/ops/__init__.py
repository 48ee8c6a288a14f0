"""The face of operators."""
