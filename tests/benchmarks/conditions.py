"""Under which conditions was measured: machine, database, versions."""

import os
import platform
import shutil
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median

import asyncpg
import psutil

from .measure import Pace
from .stage import Stage

PACKAGES = (
    "litestar",
    "granian",
    "uvloop",
    "msgspec",
    "asyncpg",
    "cryptography",
    "eventsourcing",
    "psycopg",
)
_ASKED = ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers")
_FLUSHES = 200


async def conditions(stage: Stage, pace: Pace) -> str:
    """A Markdown list."""
    load = " · ".join(f"{part:.2f}" for part in os.getloadavg())
    lines = (
        f"{processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}",
        f"load average at the end {load}",
        f"PostgreSQL {await _server(stage.url)}, on {_file_system(stage.folder)}, where writing "
        f"and flushing 8 KiB takes {_flush_us(stage.folder):,.0f} µs",
        f"Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in PACKAGES)
        + f", {wrk_version() or 'no wrk'}",
        f"{pace.rounds} interleaved rounds, {pace.seconds:g} s a measurement",
    )
    return "\n".join(f"- {line}" for line in lines)


def wrk_version() -> str | None:
    """Name and version of wrk; None where there is none."""
    path = shutil.which("wrk")
    if path is None:
        return None
    said = subprocess.run(
        [path, "--version"], capture_output=True, text=True, check=False
    )  # found on the path
    return " ".join((said.stdout or said.stderr).split()[:2])


def processor() -> str:
    """The name of this machine's processor."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


async def _server(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        names = ("server_version", *_ASKED)
        values = [await connection.fetchval("SELECT current_setting($1)", name) for name in names]
    finally:
        await connection.close()
    number, *settings = values
    pairs = (f"{name} {value}" for name, value in zip(_ASKED, settings, strict=True))
    return f"{number} ({', '.join(pairs)})"


def _file_system(folder: Path) -> str:
    """Of a folder: a memory file system would make every flush free."""
    mounts = [
        (len(part.mountpoint), part.fstype)
        for part in psutil.disk_partitions(all=True)
        if folder.resolve().is_relative_to(part.mountpoint)
    ]
    return max(mounts)[1] if mounts else "an unknown file system"


def _flush_us(folder: Path) -> float:
    """Median microseconds that a commit waits for the disk, at least."""
    times = []
    descriptor = os.open(folder / "flush", os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        for _ in range(_FLUSHES):
            started = time.perf_counter()
            os.pwrite(descriptor, b"x" * 8192, 0)
            os.fdatasync(descriptor)
            times.append(time.perf_counter() - started)
    finally:
        os.close(descriptor)
    return median(times) * 1e6
