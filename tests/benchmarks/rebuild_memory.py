"""Resident memory of a rebuild over a long log, against its limit.

The first rebuild finds every row of the views missing, the second finds all equal.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from tempfile import TemporaryFile

import psutil

from app.maintenance.store import DataLocation

from .measure import BenchmarkFailed
from .our_store import EVENTS_PER_SESSION, our_store
from .report import limits_table
from .sealed_log import write_sessions
from .stage import Stage

AT_MOST_MIB = 400
_LOOK_S = 0.02
RUNS = ("all rows missing", "all rows equal")


def run(stage: Stage, events: int) -> str:
    """Measure over a log of some `events`, and tell in a Markdown table."""
    with our_store(stage, "long") as ours:
        where = DataLocation(database_url=ours.url, data_dir=ours.data_dir)
        asyncio.run(write_sessions(where, ours.url, events // EVENTS_PER_SESSION))
        command = [
            sys.executable, "-m", "app.cli.main", "rebuild",
            f"--owner-url={ours.url}", f"--data-dir={ours.data_dir}",
        ]  # fmt: skip
        found = [(what, _peak_mib(command, events)) for what in RUNS]
    rows = [(what, float(AT_MOST_MIB), peak, peak, peak) for what, peak in found]
    return limits_table(f"A rebuild's resident memory over {events:,} events: MiB", rows)


def _peak_mib(command: Sequence[str], events: int) -> float:
    """The most that the command took at a time."""
    most = 0
    with TemporaryFile("w+") as said, subprocess.Popen(command, stderr=said) as process:
        while process.poll() is None:
            with suppress(psutil.Error):
                most = max(most, psutil.Process(process.pid).memory_info().rss)
            time.sleep(_LOOK_S)
        said.seek(0)
        if f"{events // EVENTS_PER_SESSION} rows" not in (told := said.read()):
            raise BenchmarkFailed(told)
    return most / 2**20
