"""Read views folded from the log, one a file. Pure: no I/O, no clock."""
