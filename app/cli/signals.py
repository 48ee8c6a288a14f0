"""SIGTERM and SIGHUP end a command in good order, as Ctrl-C does."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ending_in_order() -> Iterator[None]:
    """End a signalled command by SystemExit, with the exit code that a shell shows for the signal.

    The signal itself would run no `finally`, and would leave an embedded PostgreSQL behind. The
    server of `serve` handles these signals itself as soon as it runs.
    """
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:  # nohup
            signal.signal(number, _end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, _: FrameType | None) -> None:
    for each in _SIGNALS:  # `timeout` signals twice: nothing may disturb the end
        signal.signal(each, _go_on)
    sys.exit(128 + number)


def _go_on(_number: int, _frame: FrameType | None) -> None:
    """Ignore a signal, but not by SIG_IGN, which the programs that we start would inherit."""
