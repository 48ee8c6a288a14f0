"""`sessionary witness` as a process of its own: started, killed, asked to stop."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from app.proof.notes import VerifierKey
from support.patience import patient
from support.service_process import PROGRAM, STOPS_S, clean_environment, free_port, sessionary

_STARTS_S = 30.0


class WitnessProcess:
    """A witness on a folder, under one port for all its lives."""

    def __init__(self, state: Path, *logs: str) -> None:
        """Nothing is started; `logs`: the vkeys that it follows."""
        self.state = state
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.logs = logs
        self._said = state.with_suffix(".log")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """That of the present or last life."""
        assert self._process is not None, "start() comes first"
        return self._process

    @property
    def log(self) -> str:
        """What it said, in all its lives."""
        return self._said.read_text(errors="replace")

    @property
    def keys(self) -> list[VerifierKey]:
        """Its public keys, as `witness key` prints them."""
        shown = sessionary("witness", "key", f"--state={self.state}")
        assert shown.returncode == 0, shown.stderr
        return [VerifierKey.parse(line) for line in shown.stdout.splitlines()]

    def start(self) -> None:
        """Start, and return when it is ready."""
        with self._said.open("ab") as said:
            self._process = subprocess.Popen(  # our own program
                [
                    PROGRAM, "witness", f"--state={self.state}",
                    f"--listen=127.0.0.1:{self.port}", *(f"--log={each}" for each in self.logs),
                ],
                env=clean_environment(),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )  # fmt: skip
        deadline = time.monotonic() + patient(_STARTS_S)
        while not self.is_ready():
            assert self._process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)

    def is_ready(self) -> bool:
        """Whether its readiness is green."""
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=patient(5.0)).is_success
        except httpx.HTTPError:
            return False

    def post(self, body: bytes) -> httpx.Response:
        """The answer to a checkpoint."""
        return httpx.post(f"{self.url}/add-checkpoint", content=body, timeout=patient(10.0))

    def stop(self) -> int:
        """Ask it to stop; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(patient(STOPS_S))

    def kill(self) -> None:
        """Kill -9, if it was started."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@contextmanager
def witness(state: Path, *logs: str) -> Iterator[WitnessProcess]:
    """A witness that is ready; nothing of it is left afterwards."""
    process = WitnessProcess(state, *logs)
    process.start()
    try:
        yield process
    finally:
        process.kill()
