"""Reads over HTTP while rebuilds go on beside them, one after the other, against those before.

Every answer must be a success: a row that is missing for a moment would be a 404.
"""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median

from app.maintenance.store import DataLocation, connected

from .load import load
from .measure import BenchmarkFailed, Pace
from .our_store import EVENTS_PER_SESSION
from .over_http import WARM_UP_S, Contender, prepared
from .report import limits_table
from .sealed_log import write_sessions
from .services import sessionary
from .stage import Stage

AT_MOST = 2.0
_LOOK_S = 1.0
_BEHIND = """
SELECT count(*)
  FROM log_partition AS p
  LEFT JOIN follower_checkpoint AS c
    ON c.partition = p.partition
 WHERE c.position IS NULL
    OR c.position < p.position
"""


def run(stage: Stage, pace: Pace, events: int) -> str:
    """Measure beside a log of some `events`, and tell in Markdown."""
    with sessionary(stage) as service:
        contender = prepared(service, stage.folder)
        assert service.database_url is not None
        url, data_dir = service.database_url, stage.folder / "sessionary"
        where = DataLocation(database_url=url, data_dir=data_dir)
        asyncio.run(write_sessions(where, url, events // EVENTS_PER_SESSION))
        command = [
            sys.executable, "-m", "app.cli.main", "rebuild",
            f"--owner-url={url}", f"--data-dir={data_dir}",
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)
        asyncio.run(_followed(url))
        load(service.base_url, "GET", contender.ids_file, WARM_UP_S)
        pairs = [_pair(contender, command, pace.seconds) for _ in range(pace.rounds)]
    ratios = [during / before for before, during in pairs]
    before, during = (median(each) / 1000 for each in zip(*pairs, strict=True))
    what = "p99 of GET during rebuilds against before"
    rows = [(what, AT_MOST, median(ratios), min(ratios), max(ratios))]
    title = f"Reads beside rebuilds of {events:,} events: ratio"
    return limits_table(title, rows) + f"\nMedians: {before:.1f} ms before, {during:.1f} during.\n"


def _pair(contender: Contender, command: Sequence[str], seconds: float) -> tuple[int, int]:
    """The p99 before and during rebuilds, in microseconds."""

    def p99() -> int:
        return load(contender.service.base_url, "GET", contender.ids_file, seconds).p99_us

    before = p99()
    with _again_and_again(command):
        return before, p99()


@contextmanager
def _again_and_again(command: Sequence[str]) -> Iterator[None]:
    """Rebuild for as long as the block lasts; the last one is waited for."""
    over, failed = threading.Event(), list[str]()

    def work() -> None:
        while not over.is_set() and not failed:
            ended = subprocess.run(command, check=False, capture_output=True, text=True)
            failed.extend([ended.stderr] if ended.returncode else [])

    working = threading.Thread(target=work)
    working.start()
    try:
        yield
    finally:
        over.set()
        working.join()
    if failed:
        raise BenchmarkFailed(failed[0])


async def _followed(url: str) -> None:
    """Wait until the followers have taken up the whole log."""
    async with connected(url) as store:
        while await store.raw.fetchval(_BEHIND):
            await asyncio.sleep(_LOOK_S)
