"""Whole processes that rebuild, from start to end: ours, and the best loop on the stock library.

Ours opens sealed fields, compares with the live views, and can go on after a crash; the loop does
none of these. Also against our own reading and opening alone, and one job against two.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from statistics import median

import msgspec
from eventsourcing.postgres import PostgresApplicationRecorder
from psycopg import sql

from . import stock_rebuild
from .measure import BenchmarkFailed, Done, Pace, Sample, interleaved, timed
from .our_store import EVENTS_PER_SESSION, OurStore, our_store
from .report import Comparison, table
from .stage import Stage

CALLERS = 256
PHASES = ("decrypt", "decode", "fold", "encode", "read", "write", "scan", "catch up", "index")
ENDS = ("compare", "swap")
Timings = dict[str, list[float]]


def run(stage: Stage, pace: Pace, events: int) -> str:
    """Measure over logs of some `events`, and tell in Markdown."""
    with our_store(stage, "rebuilding") as ours:
        ours.append_sessions(CALLERS, events // EVENTS_PER_SESSION)
        stock = _filled(stage, events)
        timings: Timings = {}
        environment = _environment(stage)
        cells = {
            "one job": lambda: _ours(stage, ours, environment, events, 1, timings),
            "two jobs": lambda: _ours(stage, ours, environment, events, 2, {}),
            "stock": lambda: _stock(stage, stock, environment, events),
        }
        interleaved(cells, 1)  # these compile
        timings.clear()
        runs = interleaved(cells, pace.rounds)
    title = f"Rebuilding all views from {events:,} events, whole processes: events"
    comparisons = [
        Comparison(
            "one job against a loop on the stock library", 1.5, runs["one job"], runs["stock"]
        ),
        Comparison("two jobs against one", 1.6, runs["two jobs"], runs["one job"]),
    ]
    return table(title, comparisons) + _phases(timings)


def _phases(timings: Timings) -> str:
    """What the time of one job went to. Reading and writing go on beside the rest."""
    names = ["start and end", *PHASES, *ENDS]
    told = [f"{name} {median(timings[name]):.2f}" for name in names]
    note = "Seconds of one job, medians (read: waited for; write: beside the rest)"
    return f"\n{note}: {', '.join(told)}.\n"


def _ours(
    stage: Stage,
    ours: OurStore,
    environment: Mapping[str, str],
    events: int,
    jobs: int,
    timings: Timings,
) -> Sample:
    command = [
        sys.executable, "-m", "app.cli.main", "rebuild", "--timings", f"--jobs={jobs}",
        f"--owner-url={ours.url}", f"--data-dir={ours.data_dir}",
    ]  # fmt: skip

    def work() -> Done:
        began = time.perf_counter()
        ended = subprocess.run(command, env=environment, capture_output=True, check=True)
        seconds = time.perf_counter() - began
        said = ended.stderr.decode().splitlines()
        if not any(f"{events // EVENTS_PER_SESSION} rows" in line for line in said):
            raise BenchmarkFailed("\n".join(said))
        spent: dict[str, float] = msgspec.json.decode(said[-1])
        phases = ("scan", "catch up", "index", *ENDS)
        spent["start and end"] = seconds - sum(spent[name] for name in phases)
        for name, value in spent.items():
            timings.setdefault(name, []).append(value)
        return Done(events, seconds)

    return _timed(stage, work)


def _stock(stage: Stage, url: str, environment: Mapping[str, str], events: int) -> Sample:
    command = [sys.executable, "-m", "benchmarks.stock_rebuild", url]

    def work() -> Done:
        began = time.perf_counter()
        ended = subprocess.run(command, env=environment, capture_output=True, check=True)
        if int(ended.stdout) != events // EVENTS_PER_SESSION:
            raise BenchmarkFailed(f"{ended.stdout!r} rows came of {events} events")
        return Done(events, time.perf_counter() - began)

    return _timed(stage, work)


def _timed(stage: Stage, work: Callable[[], Done]) -> Sample:
    return timed(work, [os.getpid(), stage.postmaster])


def _environment(stage: Stage) -> Mapping[str, str]:
    """As in an installation, bytecode is kept: else each start compiles."""
    kept = {"PYTHONPYCACHEPREFIX": str(stage.folder / "bytecode")}
    return {
        name: value
        for name, value in (os.environ | kept).items()
        if name != "PYTHONDONTWRITEBYTECODE"
    }


def _filled(stage: Stage, events: int) -> str:
    """The URL of a database of the stock library, with as many events of the same contents."""
    url = stage.new_database("stock_rebuilding")
    store = stock_rebuild.datastore(url)
    try:
        PostgresApplicationRecorder(store).create_table()
        with store.get_connection() as connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL(_FILL), [CALLERS, events // EVENTS_PER_SESSION])
    finally:
        store.close()
    return url


_FILL = """
INSERT INTO stored_events
       (originator_id, originator_version, topic, state, notification_id)
SELECT md5('session ' || s)::uuid, v,
       CASE v WHEN 1 THEN 'ai_session.created.v1' ELSE 'ai_session.patched.v1' END,
       convert_to(CASE v WHEN 1 THEN '{"account_id":"a1","purpose":"' ELSE '{"purpose":"' END
                  || 'Follow up on invoice 0123456789-' || v || '"}', 'UTF8'),
       row_number() OVER (ORDER BY s / callers, v, s)
  FROM (SELECT %s::integer AS callers, %s::integer AS sessions) AS given
 CROSS JOIN LATERAL generate_series(0, given.sessions - 1) AS s
 CROSS JOIN generate_series(1, 4) AS v
 ORDER BY s / callers, v, s
"""
