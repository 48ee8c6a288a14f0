"""Exit codes: 0 done, 2 wrong use (click's own), and these."""

import click

DIFFERENCE = 1
UNREACHABLE = 3
FAULT = 70
"""A fault of the program: EX_SOFTWARE in sysexits.h. Python's own 1 would mean `DIFFERENCE`."""
INTERRUPTED = STOPPED = 130
NOBODY_READS = 141
"""The code that a shell shows for SIGPIPE: `sessionary replay … | head`."""
UNWRITABLE = 74
"""Standard output takes no data: EX_IOERR in sysexits.h."""


class Refused(click.ClickException):
    """What the data say against a command that is spelt well: one sentence, without its usage."""

    exit_code = 2


class ServerEnded(Exception):
    """The server ended unasked; the message is the whole sentence."""
