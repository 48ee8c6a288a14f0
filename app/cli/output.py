"""The output of commands: data to stdout, for people on a terminal or for programs."""

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import click
import msgspec

from app.proof.one_line import one_line

if TYPE_CHECKING:
    from app.integrity.doctor import Finding

T = TypeVar("T")
MIN_TABLE_COLUMNS = 120
"""Width of a terminal from which on events are a table; below it, each is a block of lines."""


def terminal_columns() -> int | None:
    """The width of the terminal that standard output is; None: it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def plain(text: str) -> str:
    """A text in one line, with nothing in it that a terminal would obey or hide."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


def value_text(value: object) -> str:
    """A value as JSON."""
    return plain(msgspec.json.encode(value).decode())


def print_found(
    name: str, found: Sequence[T], columns: Mapping[str, Callable[[T], str]], output: str
) -> None:
    """Print all that was found, as `table`, `json` (under a name), `ndjson` or `csv`.

    `columns`: by their names in CSV, the texts of something found.
    """
    rows = [[text(each) for text in columns.values()] for each in found]
    match output:
        case "json":
            print_json({name: found})
        case "ndjson":
            for each in found:
                print_line(each)
        case "csv":
            print_csv([list(columns), *rows])
        case _:
            print_table([_words(column) for column in columns], rows)


def print_csv(rows: Sequence[Sequence[object]]) -> None:
    """Print rows for spreadsheets, which take no text for a formula."""
    from app.codecs import csv_text

    click.echo(b"".join([csv_text.row(row) for row in rows]), nl=False)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table on a terminal, or blocks if it is too narrow; tab-separated lines elsewhere."""
    clean = [[plain(cell) for cell in row] for row in rows]
    width = terminal_columns()
    if width is None:
        for row in clean:
            click.echo("\t".join(row))
        return
    if _table_width(columns, clean) > width:
        _print_blocks(columns, clean, width)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns)
    for row in clean:
        table.add_row(*map(Text, row))
    Console(width=width).print(table)


def _table_width(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """The width of a table with all cells whole, its lines and margins included."""
    from rich.cells import cell_len

    return 1 + sum(3 + max(map(cell_len, cells)) for cells in zip(columns, *rows, strict=True))


def _print_blocks(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> None:
    for number, row in enumerate(rows):
        if number:
            click.echo()
        for name, cell in zip(columns, row, strict=True):
            for line in wrapped(f"{name}: {cell}", width):
                click.echo(line)


def wrapped(text: str, width: int, indent: int = 2) -> list[str]:
    """A text in lines that a terminal shows whole, all but the first of them indented.

    Words that are too long go on in the next line, and nothing is left out.
    """
    from rich.cells import cell_len, chop_cells

    if cell_len(text) <= width:
        return [text]
    lines = [""]
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1].strip() else lines[-1] + word
        if cell_len(joined) <= width:
            lines[-1] = joined
            continue
        margin = " " * min(indent, max(0, width - 10))
        first, *rest = chop_cells(word, max(2, width - len(margin))) or [""]
        if lines[-1].strip():
            lines.append(margin + first)
        else:
            lines[-1] += first
        lines += [margin + part for part in rest]
    return lines


def print_wrapped(text: str, width: int, margin: int = 2) -> None:
    """Print a text in lines that a terminal of that width shows whole, behind a margin."""
    for line in wrapped(text, max(10, width - margin)):
        click.echo(" " * margin + line)


def print_line(value: object) -> None:
    """Print a value as a line of JSON for programs, whatever they end lines at."""
    click.echo(one_line(msgspec.json.encode(value)))


def print_json(value: object) -> None:
    """Print a value as JSON for people and programs."""
    click.echo(msgspec.json.format(msgspec.json.encode(value)))


def print_findings(findings: "Sequence[Finding]", output: str) -> bool:
    """Print the findings of checks; returns whether none is wrong."""
    well = all(finding.state != "wrong" for finding in findings)
    if output == "json":
        print_json({"ok": well, "checks": findings})
        return well
    columns: Mapping[str, Callable[[Finding], str]] = {
        "check": lambda each: each.check,
        "state": lambda each: each.state,
        "message": lambda each: each.message,
    }
    print_found("checks", findings, columns, output)
    return well


def _words(name: str) -> str:
    """A name such as `issuedBy` as people read it."""
    return "".join(f" {sign.lower()}" if sign.isupper() else sign for sign in name)
