"""Bytes to commands and views to bytes: the formats, and below them each face's own shapes.

Knows types only: no HTTP, no SQL.
"""
