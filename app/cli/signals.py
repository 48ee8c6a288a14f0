"""SIGTERM and SIGHUP end a command in good order, as Ctrl-C does."""

import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
_ENDING = (*_SIGNALS, signal.SIGINT)


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


async def until_signalled(work: Coroutine[None, None, object]) -> None:
    """Do some work until a signal cancels it, which is its end in good order.

    Further signals are ignored until the command has ended, too.
    """
    import asyncio

    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)

    def end() -> None:
        if not task.cancelling():
            task.cancel()

    heard = [each for each in _ENDING if signal.getsignal(each) is not signal.SIG_IGN]
    for number in heard:
        loop.add_signal_handler(number, end)
    try:
        with suppress(asyncio.CancelledError):
            await task
    finally:
        for number in heard:
            loop.remove_signal_handler(number)
            signal.signal(number, _go_on)


def _end(number: int, _: FrameType | None) -> None:
    for each in _SIGNALS:  # `timeout` signals twice: nothing may disturb the end
        signal.signal(each, _go_on)
    sys.exit(128 + number)


def _go_on(_number: int, _frame: FrameType | None) -> None:
    """Ignore a signal, but not by SIG_IGN, which the programs that we start would inherit."""
