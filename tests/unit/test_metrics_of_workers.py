"""The folder in which workers add up their metrics."""

import os
from pathlib import Path

import psutil

from app.telemetry import metrics


def test_what_a_dead_worker_said_of_the_moment_is_forgotten_and_its_counts_stay(
    tmp_path: Path,
) -> None:
    dead = next(number for number in range(2, 2**22) if not psutil.pid_exists(number))
    names = {
        number: [tmp_path / f"{kind}_{number}.db" for kind in ("gauge_livesum", "counter")]
        for number in (dead, os.getpid())
    }
    for file in (file for files in names.values() for file in files):
        file.write_bytes(b"\0" * 1024)
    metrics.text(str(tmp_path))
    assert [file.exists() for file in names[dead]] == [False, True]
    assert [file.exists() for file in names[os.getpid()]] == [True, True]
