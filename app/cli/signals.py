"""What SIGTERM and SIGHUP do to a command: it ends in good order, as at Ctrl-C."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ending_in_order() -> Iterator[None]:
    """End by SystemExit when told to, with the exit code that a shell shows for the signal.

    By the signal itself no `finally` would run, and an embedded PostgreSQL would stay behind. The
    server of `serve` has its own answer to these signals as soon as it runs.
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
    for each in _SIGNALS:  # `timeout` tells twice: what ends is not to be disturbed
        signal.signal(each, _go_on)
    sys.exit(128 + number)


def _go_on(_number: int, _frame: FrameType | None) -> None:
    """Not SIG_IGN, which the programs that we start would inherit."""
