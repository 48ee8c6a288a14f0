"""Read views folded from the log, one in each file. Pure: no I/O, no clock."""
