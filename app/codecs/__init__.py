"""Bytes to values and back, shared by all faces."""
