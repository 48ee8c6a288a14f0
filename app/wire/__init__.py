"""Bytes to commands and views to bytes, one format a file. Knows types only: no HTTP, no SQL."""
