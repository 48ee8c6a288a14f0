"""Signals that end the server, handled by a thread of their own.

The server's own handlers set an event that its main thread waits for. A signal that arrives while
that thread holds the event's lock, as it does right after the one before, would wait for the lock
forever: HUP, HUP and TERM in a row left a service that nothing but KILL could end.
"""

import os
import signal
import threading
from typing import Protocol

_ENDING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})


class Server(Protocol):
    """The parts of the server that its own handlers of signals use."""

    interrupt_signal: bool
    main_loop_interrupt: threading.Event


def end_by_signals(server: Server) -> None:
    """End a server in order at SIGINT, SIGTERM and SIGHUP; to be called by the main thread.

    SIGHUP ends it, too, because there is no file of settings to be read anew; not if it is ignored
    already, as under nohup. (The server would replace its workers. It ends the old ones when their
    time is up, listening or not, and drops what waits at their sockets.)
    """
    received, written = os.pipe()
    os.set_blocking(written, False)
    signal.set_wakeup_fd(written, warn_on_full_buffer=False)
    ignores_hang_up = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    for name in ("signal_handler_interrupt", "signal_handler_reload"):
        setattr(server, name, None if ignores_hang_up and "reload" in name else _noted)

    def watch() -> None:
        while number := os.read(received, 1):
            if number[0] in _ENDING:
                server.interrupt_signal = True
                server.main_loop_interrupt.set()

    threading.Thread(target=watch, name="signals", daemon=True).start()


def _noted(*_: object) -> None:
    """A signal that has a handler in Python is written to the wake-up descriptor."""
