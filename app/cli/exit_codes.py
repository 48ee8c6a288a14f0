"""Exit codes: 0 done, 2 wrong use (click's own), and these."""

DIFFERENCE = 1
UNREACHABLE = 3
FAULT = 70
"""Of the program: sysexits.h calls it EX_SOFTWARE. Python's own 1 would say `difference`."""
INTERRUPTED = 130
NOBODY_READS = 141
"""What a shell shows for SIGPIPE: `sessionary replay … | head`."""
UNWRITABLE = 74
"""Standard output takes no data: sysexits.h calls it EX_IOERR."""


class ServerEnded(Exception):
    """The server ended although nobody told it to; the message is the whole sentence."""
