"""The start of a worker process of `serve`. The main process imports no more of it than this."""

import logging
import multiprocessing
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from app.cli.interrupts import DRAIN
from app.cli.standard_streams import make_sure_of_streams
from app.settings import Settings

if TYPE_CHECKING:
    from litestar.types import ASGIApp


def load(settings: Settings) -> "ASGIApp":
    """The application; the process that loads it ends with the main process."""
    _end_with_main()
    # A closing terminal signals every process, but the main process ends the workers.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    make_sure_of_streams()
    # This import is half of a service's start: the main process does not need it, and a worker must
    # be able to end before it.
    logging.captureWarnings(capture=True)
    try:
        from app.main import create_server

        served = create_server(settings)
        signal.signal(DRAIN, lambda *_: served.drain())
        return served
    except Exception:
        # In the form of all other lines: Python would print it as it likes.
        logging.getLogger("sessionary").exception("The worker cannot be made")
        sys.exit(1)


def _end_with_main() -> None:
    """End this worker at once when the main process is killed, however busy it is.

    An orphan would hold the port, and nobody could stop it.
    """
    main = multiprocessing.parent_process()
    assert main is not None  # workers are spawned

    def watch() -> None:
        main.join()
        os._exit(1)

    threading.Thread(target=watch, name="main process", daemon=True).start()
