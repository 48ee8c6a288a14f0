"""HTTP handlers, one file a face. Thin: decode, command, handle, encode. Knows no SQL."""
