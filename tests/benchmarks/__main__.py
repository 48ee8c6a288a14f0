"""The command: `python -m benchmarks [PART]`, of which `--help` lists the names.

All but `snapshot`, which takes as long as the snapshot is to be open, `large`, which fills a log
with millions of events before, and `plan`, which keeps its figures in a file of the repository.

Exit codes: 0 measured · 1 a measurement failed · 2 wrong use · 3 wrk is missing.
"""

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import click

from . import (
    audit_pages,
    following,
    formats,
    held_snapshot,
    indexed,
    large,
    listing,
    memory,
    over_http,
    overload,
    partitions,
    past_lists,
    plan_measured,
    rebuild_memory,
    rebuild_reads,
    rebuilding,
    sealing,
    starts,
    store,
    superoffice,
    verifying,
)
from .conditions import conditions, wrk_version
from .measure import BenchmarkFailed, Pace
from .report import NOTE
from .stage import stage

PARTS = (
    "store", "indexed", "http", "formats", "superoffice", "rebuild", "rebuild-reads",
    "rebuild-memory", "follow", "list", "past", "pages", "starts", "memory",
    "overload", "sealing", "verify-proof", "partitions",
)  # fmt: skip
SOAK = "snapshot"
MANY = "large"
PLAN = "plan"
UNDER_LOAD = {"http", "formats", "superoffice", "rebuild-reads", "memory", "overload", MANY}
"""Parts that need wrk."""
EVENTS, EVENTS_SHORT = 400_000, 5_000
LONG, LONG_SHORT = 5_000_000, 20_000
"""Events of a long log."""
ROWS, ROWS_SHORT = 1_000_000, 20_000
MINUTES_SHORT = 0.2
SESSIONS, SESSIONS_SHORT = 20_000, 200
"""Of the plan."""
SHORT = Pace(seconds=1, rounds=2)
FAILED, MISSING = 1, 3


@click.command()
@click.argument("part", type=click.Choice([*PARTS, SOAK, MANY, PLAN, "all"]), default="all")
@click.option("--seconds", default=4.0, show_default=True, help="Of each measurement.")
@click.option("--rounds", default=7, show_default=True, help="Measurements of each kind.")
@click.option(
    "--rows",
    type=int,
    help=f"Sessions to list from, or events to page through or to verify. [default: {ROWS:,}]",
)
@click.option("--events", "large_log", default=LONG, show_default=True, help="Of the large log.")
@click.option("--minutes", default=60.0, show_default=True, help="How long the snapshot is open.")
@click.option("--short", is_flag=True, help="Only to see that it runs: two rounds of a second.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Where the databases lie meanwhile; on the disk that is to be measured.",
)
def main(
    part: str,
    seconds: float,
    rounds: int,
    rows: int | None,
    large_log: int,
    minutes: float,
    short: bool,
    folder: Path | None,
) -> None:
    """Measure, and print Markdown tables with the conditions."""
    # Every child process ends, as after Ctrl-C; a shell's background jobs are born deaf to that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _interrupt)
    pace = SHORT if short else Pace(seconds, rounds)
    events = EVENTS_SHORT if short else EVENTS
    large_events = LONG_SHORT if short else large_log
    rows = rows or (ROWS_SHORT if short else ROWS)
    with stage(folder) as here:
        parts: dict[str, Callable[[], str]] = {
            "store": lambda: store.run(here, pace),
            "indexed": lambda: indexed.run(here, pace),
            "sealing": lambda: sealing.run(here, pace),
            "http": lambda: over_http.run(here, pace),
            "formats": lambda: formats.run(here, pace),
            "superoffice": lambda: superoffice.run(here, pace),
            "rebuild": lambda: rebuilding.run(here, pace, events),
            "rebuild-reads": lambda: rebuild_reads.run(here, pace, events),
            "rebuild-memory": lambda: rebuild_memory.run(here, LONG_SHORT if short else LONG),
            "follow": lambda: following.run(here, pace, events),
            "list": lambda: listing.run(here, pace, rows),
            "past": lambda: past_lists.run(here, pace, rows),
            "pages": lambda: audit_pages.run(here, pace, rows),
            "starts": lambda: starts.run(here, pace),
            "memory": lambda: memory.run(here, pace),
            "overload": lambda: overload.run(here, pace),
            PLAN: lambda: plan_measured.run(
                here, SESSIONS_SHORT if short else SESSIONS, kept=not short
            ),
            "partitions": lambda: partitions.run(here, pace),
            "verify-proof": lambda: verifying.run(here, pace, rows),
            MANY: lambda: large.run(here, pace, large_events),
            SOAK: lambda: held_snapshot.run(
                here, pace.seconds, MINUTES_SHORT if short else minutes
            ),
        }
        wanted = list(PARTS) if part == "all" else [part]
        loaded = UNDER_LOAD.intersection(wanted) if wrk_version() is None else set()
        if loaded:
            click.echo(f"wrk is not installed: {', '.join(loaded)} is left out", err=True)
            wanted = [name for name in wanted if name not in loaded]
        try:
            for name in wanted:
                click.echo(parts[name]())
        except BenchmarkFailed as error:
            click.echo(f"The measurement failed. {error}", err=True)
            sys.exit(FAILED)
        if wanted:
            click.echo(f"{NOTE}\n\n{asyncio.run(conditions(here, pace))}")
    sys.exit(MISSING if loaded else 0)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    signal.raise_signal(signal.SIGINT)


if __name__ == "__main__":
    main()
