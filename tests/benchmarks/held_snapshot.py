"""Changes a second while a snapshot stays open, against the same where none is.

What the snapshot could still see is not cleaned up: each change leaves one version more behind.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import asyncpg
import click

from domain.ids import AISessionId

from .measure import Sample, interleaved, timed
from .our_store import OurStore, our_store
from .report import Comparison, table
from .stage import Stage

CALLERS = (1, 64)
"""Each changes a session of its own, again and again."""
AT_LEAST = 0.5
SPANS = 4
"""Into how many parts the time is divided, each a row."""


def run(stage: Stage, seconds: float, minutes: float) -> str:
    """Measure for so long, and tell in a Markdown table how it goes on."""
    rounds = max(SPANS, round(minutes * 60 / (2 * len(CALLERS) * seconds)))
    with our_store(stage, "held") as held, our_store(stage, "free") as free:
        cells: dict[str, Callable[[], Sample]] = {}
        for name, store in (("held", held), ("free", free)):
            for callers in CALLERS:
                cells[f"{name} {callers}"] = _changing(stage, store, name, callers, seconds)
        with _snapshot(held):
            runs = interleaved(cells, rounds)
    comparisons = [
        Comparison(
            f"{callers} hot, minutes {_minutes(span, minutes)}",
            AT_LEAST,
            _part(runs[f"held {callers}"], span),
            _part(runs[f"free {callers}"], span),
        )
        for callers in CALLERS
        for span in range(SPANS)
    ]
    changes = sum(round(each.per_s * seconds) for n in CALLERS for each in runs[f"held {n}"])
    title = f"Under a snapshot of {minutes:g} minutes, {changes:,} changes, against none: changes"
    return table(title, comparisons)


def _changing(
    stage: Stage, store: OurStore, name: str, callers: int, seconds: float
) -> Callable[[], Sample]:
    sessions: Sequence[AISessionId] = store.open_sessions(callers)
    store.change(sessions, 0.5)  # all is loaded and connected then

    def changed() -> Sample:
        sample = timed(lambda: store.change(sessions, seconds), [os.getpid(), stage.postmaster])
        click.echo(f"{name} {callers}: {sample.per_s:,.0f} /s", err=True)
        return sample

    return changed


@contextmanager
def _snapshot(store: OurStore) -> Iterator[None]:
    """A reader that keeps seeing this moment."""
    reader = store.loop.run(asyncpg.connect(store.url))
    try:
        store.loop.run(reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ"))
        store.loop.run(reader.fetch("SELECT FROM log_partition"))
        yield
        # (It would be nothing to measure had the server ended it.)
        store.loop.run(reader.fetch("SELECT FROM log_partition"))
    finally:
        store.loop.run(reader.close())


def _part(samples: Sequence[Sample], span: int) -> Sequence[Sample]:
    return samples[len(samples) * span // SPANS : len(samples) * (span + 1) // SPANS]


def _minutes(span: int, minutes: float) -> str:
    return f"{minutes * span / SPANS:g}-{minutes * (span + 1) / SPANS:g}"
