"""A server whose worker is asked to end while its event loop does not run: a program of the tests.

That is so between the start of the worker's application and that of its server.
"""

import os
import signal
import time
from functools import partial
from types import FrameType
from typing import Any

from granian.constants import Interfaces, Loops

from app.cli.interrupts import DRAIN, end_by_signals
from app.cli.serve import _Server, _set_the_stage
from app.telemetry.logs import MAIN, LogForm, config
from support.service_process import free_port

KILLED_AFTER_S = 600
"""Longer than any test waits."""


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Starts and ends, and does nothing else."""
    assert scope["type"] == "lifespan"
    for what in ("startup", "shutdown"):
        assert (await receive())["type"] == f"lifespan.{what}"
        await send({"type": f"lifespan.{what}.complete"})


def load(log: LogForm) -> Any:
    """In the worker: its application; as soon as that has started, the main process is to end."""
    from granian.server import mp

    signal.signal(DRAIN, lambda *_: None)  # as workers do
    serves: Any = vars(mp)["ASGIWorker"]

    def asked_before(*arguments: Any) -> Any:
        asked = False

        def note(number: int, frame: FrameType | None) -> None:
            nonlocal asked
            asked = True
            its_own(number, frame)

        its_own: Any = signal.signal(signal.SIGTERM, note)
        os.kill(os.getppid(), signal.SIGTERM)
        while not asked:
            time.sleep(0.01)
        signal.signal(signal.SIGTERM, its_own)
        return serves(*arguments)

    vars(mp)["ASGIWorker"] = asked_before
    return application


def main() -> None:
    """Serve until the worker has started."""
    log = LogForm("text", "info")
    _set_the_stage()
    server = _Server(
        "none", port=free_port(), interface=Interfaces.ASGI, loop=Loops.uvloop,
        workers_kill_timeout=KILLED_AFTER_S, log_dictconfig=config(log, MAIN),
    )  # fmt: skip
    server.log_form = log
    end_by_signals(server, 0.0)
    server.serve(target_loader=partial(load, log), wrap_loader=False)


if __name__ == "__main__":
    main()
