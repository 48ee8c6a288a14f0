"""Signals that end the server, handled by a thread of their own.

The server's own handlers set an event that its main thread waits for. A signal that arrives while
that thread holds the event's lock, as it does right after the one before, would wait for the lock
forever: HUP, HUP and TERM in a row left a service that nothing but KILL could end.
"""

import os
import select
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol

DRAIN = signal.SIGUSR1
"""Makes a worker's readiness red."""
_AGAIN_S = 0.2
_ENDING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})


class Worker(Protocol):
    """A worker process, as the server keeps it."""

    @property
    def pid(self) -> int | None:
        """Its number; None before it has started."""


class Server(Protocol):
    """The parts of the server that its own handlers of signals use."""

    interrupt_signal: bool
    main_loop_interrupt: threading.Event

    def processes(self) -> Sequence[Worker]:
        """The worker processes."""


def end_by_signals(server: Server, drain_delay_s: float) -> None:
    """End a server in order at SIGINT, SIGTERM and SIGHUP; to be called by the main thread.

    SIGTERM comes from whoever also sends the service its requests, and looks at its readiness to
    know where to send them. So readiness is red for `drain_delay_s` before the port closes; a
    second signal ends the wait.

    SIGHUP ends it, too, because there is no file of settings to be read anew; not if it is ignored
    already, as under nohup. (The server would replace its workers. It ends the old ones when their
    time is up, listening or not, and drops what waits at their sockets.)
    """
    signal.signal(DRAIN, signal.SIG_IGN)  # and so by workers that have nothing to drain yet
    received, written = os.pipe()
    os.set_blocking(written, False)
    signal.set_wakeup_fd(written, warn_on_full_buffer=False)
    ignores_hang_up = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    for name in ("signal_handler_interrupt", "signal_handler_reload"):
        setattr(server, name, None if ignores_hang_up and "reload" in name else _noted)

    def watch() -> None:
        while number := os.read(received, 1):
            if number[0] == signal.SIGTERM and drain_delay_s and not server.interrupt_signal:
                _drain(server, received, drain_delay_s)
            if number[0] in _ENDING:
                server.interrupt_signal = True
                server.main_loop_interrupt.set()

    threading.Thread(target=watch, name="signals", daemon=True).start()


def _drain(server: Server, received: int, delay_s: float) -> None:
    """Keep all workers red for some seconds, or until the next signal is there to be read."""
    end = time.monotonic() + delay_s
    while (left_s := end - time.monotonic()) > 0:
        _send_drain(server.processes())  # also to one that has just started
        if select.select([received], [], [], min(left_s, _AGAIN_S))[0]:
            return


@contextmanager
def awake(workers: Sequence[Worker]) -> Iterator[None]:
    """Let workers look at their signals, again and again, for as long as the block lasts.

    A worker's event loop does not run between the start of its application and that of its server.
    uvloop looks at a signal that comes just then only when the next one comes: a worker that is
    asked to end then would be killed when its time is up.
    """
    over = threading.Event()

    def wake() -> None:
        while not over.wait(_AGAIN_S):
            _send_drain(workers)

    waking = threading.Thread(target=wake, name="waking", daemon=True)
    waking.start()
    try:
        yield
    finally:
        over.set()
        waking.join()


def _send_drain(workers: Sequence[Worker]) -> None:
    for worker in workers:
        with suppress(ProcessLookupError):  # it has ended
            if worker.pid is not None:
                os.kill(worker.pid, DRAIN)


def _noted(*_: object) -> None:
    """A signal that has a handler in Python is written to the wake-up descriptor."""
