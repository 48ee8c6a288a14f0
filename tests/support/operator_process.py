"""`sessionary operate` beside a service: started, killed, asked to stop."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.patience import patient
from support.service_process import PROGRAM, STOPS_S, ServiceProcess, clean_environment

READY = "Carrying out the rebuilds"
WAITS = "Another operator process works"
_STARTS_S = 30.0


class OperatorProcess:
    """An operator process on the data of a service."""

    def __init__(self, served: ServiceProcess, log: Path, *options: str) -> None:
        """Starts it."""
        self._log = log
        with log.open("wb") as said:
            self.process = subprocess.Popen(  # our own program
                [PROGRAM, "operate", f"--data-dir={served.data_dir}", *options],
                env=clean_environment(),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )

    @property
    def log(self) -> str:
        """What it said."""
        return self._log.read_text(errors="replace")

    def wait_for(self, words: str) -> None:
        """Return when it has said something; it is a failure if it ends before."""
        deadline = time.monotonic() + patient(_STARTS_S)
        while words not in self.log:
            assert self.process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.02)

    def stop(self) -> int:
        """Ask it to stop; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(patient(STOPS_S))

    def kill(self) -> None:
        """Kill -9."""
        self.process.kill()
        self.process.wait()


@contextmanager
def operator(served: ServiceProcess, log: Path, until: str = READY) -> Iterator[OperatorProcess]:
    """An operator process that has begun; nothing of it is left afterwards."""
    process = OperatorProcess(served, log)
    try:
        process.wait_for(until)
        yield process
    finally:
        process.kill()
