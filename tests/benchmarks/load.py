"""Load from outside: wrk with `load.lua`."""

import secrets
import subprocess
from pathlib import Path

import msgspec
from msgspec import Struct

from .credentials import AUTHORIZATION
from .measure import BenchmarkFailed

CONNECTIONS = 64
OPEN_CONNECTIONS = 3_000
"""Those of a load at a given rate: fewer than a worker takes."""
_PATIENCE_S = 20
"""For an answer: a list may wait so long for the lists before it."""
_SCRIPT = Path(__file__).with_name("load.lua")


class Load(Struct, frozen=True):
    """What wrk saw."""

    requests: int
    """Answers that arrived whole."""
    duration_us: int
    refused: int
    """Of these, with a status of 400 or more."""
    lost: int
    """Connections that broke, and answers that did not come in time."""
    wrong: int
    """Refusals that were no 503 or 429 with Retry-After; looked for at a given rate only."""
    p50_us: int
    p99_us: int


def load(base_url: str, method: str, ids_file: Path, seconds: float, format_: str = "json") -> Load:
    """Load a service for some time; `format_` is that of what POST sends and asks for.

    Raises BenchmarkFailed unless every answer was a success.
    """
    seen = _wrk(base_url, (method, str(ids_file), format_), seconds, CONNECTIONS)
    if seen.refused or seen.lost:
        raise BenchmarkFailed(f"{method} at {base_url} was not answered well: {seen}")
    return seen


def load_at(base_url: str, method: str, ids_file: Path, seconds: float, rate: float) -> Load:
    """Load a service with so many requests a second, whether they are answered or not.

    Each of many connections pauses before each request: so the rate falls as answers take longer,
    but little as long as they take less than the pause.
    """
    pause_ms = OPEN_CONNECTIONS / rate * 1000
    return _wrk(base_url, (method, str(ids_file), "json"), seconds, OPEN_CONNECTIONS, pause_ms)


def _wrk(
    base_url: str,
    what: tuple[str, str, str],
    seconds: float,
    connections: int,
    pause_ms: float | None = None,
) -> Load:
    method, ids_file, format_ = what
    until = (f"-d{max(1, round(seconds))}s", f"--timeout={_PATIENCE_S}s")
    length = ("-t1", f"-c{connections}", *until)
    given = [method, AUTHORIZATION, ids_file, secrets.token_hex(4), format_]
    if pause_ms is not None:
        given.append(f"{pause_ms:.0f}")
    said = subprocess.run(  # our script and arguments, no shell
        ["wrk", *length, "-s", str(_SCRIPT), base_url, "--", *given],  # a tool of the machine
        capture_output=True,
        text=True,
        check=False,
    )
    _, found, result = said.stdout.rpartition("\nresult ")
    if said.returncode != 0 or not found:
        raise BenchmarkFailed(f"wrk failed: {said.stdout}{said.stderr}")
    return msgspec.json.decode(result, type=Load)
