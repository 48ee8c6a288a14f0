"""Standard output and error that may be full, closed, or a pipe that nobody reads any more.

Standard error carries messages, which never keep the program from its work. Standard output carries
data: if they cannot be written, the program ends with an exit code.
"""

import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Talk(io.FileIO):
    """Drops messages that cannot be written."""

    def write(self, data: "ReadableBuffer", /) -> int:
        """Report all bytes as taken, whether or not they were written."""
        try:
            return super().write(data) or 0
        except OSError:
            return len(memoryview(data))


class Unwritable(OSError):
    """Standard output takes no data."""


class _Data(io.FileIO):
    """Distinguishes a failed write of data from all other causes of OSError."""

    def write(self, data: "ReadableBuffer", /) -> int:
        """The number of bytes written. Raises Unwritable, or BrokenPipeError when nobody reads."""
        try:
            return super().write(data) or 0
        except BrokenPipeError:
            raise
        except OSError as error:
            raise Unwritable(*error.args) from error


def make_sure_of_streams() -> None:
    """Open closed streams; let messages fail unnoticed, and data fail with Unwritable.

    Call this before anything is opened: a socket or a file would otherwise get the number of a
    closed stream, and receive everything that is written there.
    """
    # Closed standard output is opened for reading only, so that writing data there fails.
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDONLY if number < 2 else os.O_WRONLY)
            os.set_inheritable(opened, True)  # `opened` is the lowest free number: this one
    # Code that put another stream in their place, such as a test, keeps it.
    if sys.stdout is sys.__stdout__:
        sys.stdout = _text(_Data(1, "w", closefd=False), sys.stdout)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _text(_Talk(2, "w", closefd=False), sys.stderr)


def leave_standard_output() -> None:
    """Discard all buffered output, also what Python would write at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _text(raw: io.FileIO, before: TextIO | None) -> io.TextIOWrapper:
    encoding = before.encoding if before is not None else "utf-8"
    errors = before.errors if before is not None else "backslashreplace"
    lines = raw.fileno() == 2 or raw.isatty()
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors, line_buffering=lines)
