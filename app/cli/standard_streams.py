"""Standard output and error that may be full, closed, or a pipe that nobody reads any more.

What is said on standard error is talk: it never keeps the program from its work. What goes to
standard output is data: where it cannot be written, the program ends with an exit code.
"""

import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Talk(io.FileIO):
    """Drops what cannot be written."""

    def write(self, data: "ReadableBuffer", /) -> int:
        """All is taken, written or not."""
        try:
            return super().write(data) or 0
        except OSError:
            return len(memoryview(data))


class Unwritable(OSError):
    """Standard output takes no data."""


class _Data(io.FileIO):
    """Tells what cannot be written from all else that fails with OSError."""

    def write(self, data: "ReadableBuffer", /) -> int:
        """How much was written. Raises Unwritable, or BrokenPipeError when nobody reads."""
        try:
            return super().write(data) or 0
        except BrokenPipeError:
            raise
        except OSError as error:
            raise Unwritable(*error.args) from error


def make_sure_of_streams() -> None:
    """Open what is closed, let talk fail unnoticed and data with Unwritable.

    To be called before anything is opened: a socket or a file would otherwise get the number of a
    closed stream, and hear all that is written there.
    """
    # Closed standard output is opened for reading only: who writes data there is to be told.
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDONLY if number < 2 else os.O_WRONLY)
            os.set_inheritable(opened, True)  # it is the lowest free number: this one
    # Whoever put another stream in their place, such as a test, knows what it does.
    if sys.stdout is sys.__stdout__:
        sys.stdout = _text(_Data(1, "w", closefd=False), sys.stdout)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _text(_Talk(2, "w", closefd=False), sys.stderr)


def leave_standard_output() -> None:
    """Write no more of what waits, at Python's end either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _text(raw: io.FileIO, before: TextIO | None) -> io.TextIOWrapper:
    encoding = before.encoding if before is not None else "utf-8"
    errors = before.errors if before is not None else "backslashreplace"
    lines = raw.fileno() == 2 or raw.isatty()
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors, line_buffering=lines)
