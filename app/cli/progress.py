"""The progress of long commands, on stderr."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

_LINE_EVERY_S = 10.0


@contextmanager
def progress(
    title: str, unit: str = "events", at: Callable[[], str] = lambda: ""
) -> Iterator[Callable[[int, int], None]]:
    """Progress on stderr: a bar on a terminal, else a line from time to time.

    Call it with the units done and the units in total. `at`: the positions that these stand for.
    """
    if not sys.stderr.isatty():  # (rich takes a tenth of a second to import)
        yield Lines(title, unit, at, lambda said: click.echo(said, err=True))
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn(title),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class Lines:
    """Progress for logs: a line every ten seconds, with the rate and the time that is left."""

    def __init__(
        self, title: str, unit: str, at: Callable[[], str], say: Callable[[str], object]
    ) -> None:
        """`at`: as for `progress`; `say`: called with each line."""
        self._say = say
        self._unit = unit
        self._title = title
        self._at = at
        self._began = self._said = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Say how far it is, unless that was said just before."""
        now = time.monotonic()
        if now - self._said < _LINE_EVERY_S:
            return
        self._said = now
        rate = done / (now - self._began)
        left = f", {(total - done) / rate:.0f} s left" if rate else ""
        at = f", as of position {self._at()}" if self._at() else ""
        self._say(f"{self._title}: {done} of {total} {self._unit}{at}, {rate:.0f} a second{left}")
