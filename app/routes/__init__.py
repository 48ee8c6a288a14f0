"""HTTP: the dispatch, and the handlers of each face. Thin: decode, command, handle, encode.

Knows no SQL.
"""
