"""Bytes to values and back, whichever face they are for."""
