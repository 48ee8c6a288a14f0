"""The output of commands: data to stdout, messages and progress to stderr."""

import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from textwrap import indent
from typing import TYPE_CHECKING

import click
import msgspec

if TYPE_CHECKING:
    from app.history.replay import Step
    from app.integrity.doctor import Finding

_LINE_EVERY_S = 10.0
_PIPED_COLUMNS = 200
"""Width of a table that goes to a file: wide enough to cut no time and no type."""


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table for people on a terminal, tab-separated lines for programs."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not console.is_terminal:
        for row in rows:
            click.echo("\t".join(row))
        return
    table = Table(*columns)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def print_json(value: object) -> None:
    """Print a value as JSON for people and programs."""
    click.echo(msgspec.json.format(msgspec.json.encode(value)))


def print_json_line(value: object) -> None:
    """Print a value as one line of JSON, on stderr: beside the data."""
    click.echo(msgspec.json.encode(value), err=True)


def print_findings(findings: "Sequence[Finding]", output: str) -> bool:
    """Print the findings of checks as `table` or `json`; returns whether none is wrong."""
    well = all(finding.state != "wrong" for finding in findings)
    if output == "json":
        click.echo(msgspec.json.format(msgspec.json.encode({"ok": well, "checks": findings})))
    else:
        rows = [(finding.check, finding.state, finding.message) for finding in findings]
        print_table(["check", "state", "what was found"], rows)
    return well


async def print_steps(steps: "AsyncIterator[Step]", output: str) -> int:
    """Print a history as `table`, `json` (one array) or `ndjson` (a line each); returns its length.

    Lines and array items are printed as they come, the table once its columns' widths are known.
    """
    if output == "table":
        return await _print_table(steps)
    shown = 0
    async for step in steps:
        text = msgspec.json.encode(step)
        if output == "json":
            click.echo(",\n" if shown else "[\n", nl=False)
            click.echo(indent(msgspec.json.format(text).decode(), "  "), nl=False)
        else:
            click.echo(text)
        shown += 1
    if output == "json" and shown:
        click.echo("\n]")
    return shown


async def _print_table(steps: "AsyncIterator[Step]") -> int:
    from rich.console import Console
    from rich.table import Table

    table = Table("version", "position", "recorded at", "actor", "type", "changed")
    async for step in steps:
        table.add_row(
            str(step.version),
            f"{step.partition}:{step.position}",
            step.recorded_at.isoformat(),
            step.actor,
            step.type,
            "\n".join(_line(name, change.after) for name, change in step.changed.items()),
        )
    if table.row_count:
        terminal = Console()
        (terminal if terminal.is_terminal else Console(width=_PIPED_COLUMNS)).print(table)
    return table.row_count


@contextmanager
def progress(
    title: str, at: Callable[[], str] = lambda: ""
) -> Iterator[Callable[[int, int], None]]:
    """Progress on stderr: a bar on a terminal, else a line from time to time.

    Call it with the events done and the events in total. `at`: the positions that these stand for.
    """
    if not sys.stderr.isatty():  # (rich takes a tenth of a second to import)
        yield _Lines(title, at)
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
        TextColumn("events"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class _Lines:
    """Progress for logs: a line every ten seconds, with the rate and the time that is left."""

    def __init__(self, title: str, at: Callable[[], str]) -> None:
        self._title = title
        self._at = at
        self._began = self._said = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._said < _LINE_EVERY_S:
            return
        self._said = now
        rate = done / (now - self._began)
        left = f", {(total - done) / rate:.0f} s left" if rate else ""
        at = f", as of position {self._at()}" if self._at() else ""
        said = f"{self._title}: {done} of {total} events{at}, {rate:.0f} a second{left}"
        click.echo(said, err=True)


def _line(name: str, value: object) -> str:
    return f"{name} = {msgspec.json.encode(value).decode()}"
