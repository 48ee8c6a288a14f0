"""The program on a terminal, as a person sees it."""

import fcntl
import os
import pty
import struct
import subprocess
import termios
from contextlib import suppress

from support.patience import patient
from support.service_process import PROGRAM, STARTS_S, clean_environment


def on_terminal(*arguments: str, columns: int, **environment: str) -> str:
    """All that the program shows on a terminal of that width; it has to end well."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    variables = {"TERM": "xterm", **clean_environment(), **environment}
    variables.pop("COLUMNS", None)
    process = subprocess.Popen(  # our own program
        [PROGRAM, *arguments], stdin=its, stdout=its, stderr=its, env=variables
    )
    os.close(its)
    shown = b""
    with suppress(OSError):  # the terminal has no other end any more
        while part := os.read(ours, 65_536):
            shown += part
    os.close(ours)
    assert process.wait(patient(STARTS_S)) == 0, shown
    return shown.decode().replace("\r\n", "\n")
