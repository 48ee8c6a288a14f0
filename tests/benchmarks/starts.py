"""Processor seconds of whole commands, and of `serve` until it is ready, against their limits."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from statistics import median

import httpx

from .measure import BenchmarkFailed, Pace, cpu_seconds
from .report import limits_table
from .services import START_S, STOP_S, free_port, sessionary
from .session_dto import ACCOUNT_ID
from .stage import Stage, logins

SERVE = "serve, until /health/ready answers 200"
AT_MOST_S = {
    "--version": 0.15,
    "--help": 0.15,
    f"replay account:{ACCOUNT_ID}": 0.6,
    "users list": 0.6,
    SERVE: 1.5,
}


def run(stage: Stage, pace: Pace) -> str:
    """Measure, by turns, and tell in a Markdown table."""
    with sessionary(stage) as service:
        url = str(service.database_url)
    data = (*logins(url), "--data-dir", str(stage.folder / "sessionary"))
    taken: dict[str, list[float]] = {what: [] for what in AT_MOST_S}
    environment = _with_bytecode(stage)
    for measured in [False] + [True] * pace.rounds:  # the first ones compile
        for what, seconds in taken.items():
            where = () if what.startswith("-") else data
            begin = _serve if what == SERVE else partial(_command, what.split())
            took_s = begin(where, environment)
            if measured:
                seconds.append(took_s)
    rows = [
        (what, AT_MOST_S[what], median(seconds), min(seconds), max(seconds))
        for what, seconds in taken.items()
    ]
    return limits_table("Starts, whole processes with bytecode kept: processor seconds", rows)


def _with_bytecode(stage: Stage) -> Mapping[str, str]:
    """The environment, but bytecode is kept, as in an installation: else each start compiles."""
    kept = {"PYTHONPYCACHEPREFIX": str(stage.folder / "bytecode")}
    return {
        name: value
        for name, value in (os.environ | kept).items()
        if name != "PYTHONDONTWRITEBYTECODE"
    }


def _command(typed: Sequence[str], where: Sequence[str], environment: Mapping[str, str]) -> float:
    before = os.times()
    command = [sys.executable, "-m", "app.cli.main", *typed, *where]
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    return sum(after[2:4]) - sum(before[2:4])  # of children that ended


def _serve(where: Sequence[str], environment: Mapping[str, str]) -> float:
    port = free_port()
    command = [sys.executable, "-m", "app.cli.main", "serve", "--port", str(port), *where]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, env=environment, stderr=quiet) as process:
        try:
            _until_ready(process, f"http://127.0.0.1:{port}/health/ready")
            return cpu_seconds([process.pid])
        finally:
            process.terminate()
            process.wait(STOP_S)


def _until_ready(process: "subprocess.Popen[bytes]", url: str) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.02)
    raise BenchmarkFailed("The service did not become ready")
