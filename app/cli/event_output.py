"""Events as commands print them."""

import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from textwrap import indent

import click
import msgspec
from msgspec import UNSET
from rich.cells import cell_len

from app.cli.output import (
    MIN_TABLE_COLUMNS,
    plain,
    print_csv,
    print_json,
    print_line,
    print_wrapped,
    terminal_columns,
    value_text,
    wrapped,
)
from app.history.one_event import Change, Event, call_of

CSV_COLUMNS = (
    "position", "recordedAt", "actor", "type", "operation", "sessionId", "version", "changed",
)  # fmt: skip
_SAID = ("Author", "Message", "reason", "scope")
"""What was said is in an event only, not in the state after it."""
_GAP = "  "
_WIDTHS = (31, 24, 36)
"""Of the table's columns but the last one, which gets the rest: a time, an address, an id."""


class Printer:
    """Prints events one by one, as they come."""

    def __init__(self, output: str, zone: tzinfo, *, under: str = "") -> None:
        """`under`: the name that has the events in a JSON object; empty: they are an array."""
        self._output = output
        self._zone = zone
        self._under = under
        self._columns = terminal_columns() if output == "table" else None
        self.count = 0

    def __call__(self, event: Event) -> None:
        """Print one more event."""
        match self._output:
            case "json":
                self._print_item(event)
            case "ndjson":
                print_line(event)
            case "csv":
                print_csv([CSV_COLUMNS] * (self.count == 0) + [csv_cells(event)])
            case _ if self._columns is None:
                click.echo("\t".join(_cells(event, self._zone)))
            case _ if self._columns < MIN_TABLE_COLUMNS:
                _print_block(event, self._zone, self._columns)
            case _:
                self._print_row(event, self._columns)
        self.count += 1

    def flush(self) -> None:
        """Let readers of a pipe have what was printed."""
        sys.stdout.flush()

    def end(self) -> None:
        """Print what belongs after the last event."""
        if self._output == "json" and self._under and not self.count:
            print_json({self._under: []})
        elif self._output == "json" and self.count:
            click.echo("\n  ]\n}" if self._under else "\n]")
        elif self._output == "csv" and not self.count:
            print_csv([CSV_COLUMNS])

    def _print_item(self, event: Event) -> None:
        first = f'{{\n  "{self._under}": [\n' if self._under else "[\n"
        click.echo(",\n" if self.count else first, nl=False)
        text = msgspec.json.format(msgspec.json.encode(event)).decode()
        click.echo(indent(text, "    " if self._under else "  "), nl=False)

    def _print_row(self, event: Event, columns: int) -> None:
        widths = (*_WIDTHS, columns - sum(_WIDTHS) - len(_GAP) * len(_WIDTHS))
        if not self.count:
            _print_lines([["when"], ["who"], ["what"], ["changed"]], widths)
            click.echo(_GAP.join("-" * width for width in widths))
        parts = (_when(event, self._zone), _who(event), _what(event), [*change_lines(event)])
        _print_lines(parts, widths)


async def print_events(
    events: AsyncIterator[Event], output: str, zone: tzinfo = UTC, *, under: str = ""
) -> int:
    """Print events as they come; returns how many. `under` as for a `Printer`."""
    printer = Printer(output, zone, under=under)
    async for event in events:
        printer(event)
    printer.end()
    return printer.count


def change_lines(event: Event) -> Iterator[str]:
    """What an event changed and what was said, a line each."""
    changed = {} if event.changed is UNSET else event.changed
    for name, change in changed.items():
        yield from _lines_of(name, change, is_first=event.version == 1)
    for name, value in event.data.items():
        if value is not None and name not in changed and (not changed or name in _SAID):
            yield f"{name} = {value_text(value)}"
    if event.unreadable is not UNSET:
        yield f"cannot be read: {plain(event.unreadable)}"


def csv_cells(event: Event) -> list[object]:
    """The cells of an event in the columns of CSV."""
    return [
        event.place, event.recorded_at, event.actor, event.type,
        call_of(event.metadata).operation or "", event.session_id, event.version,
        "" if event.changed is UNSET else msgspec.json.encode(event.changed).decode(),
    ]  # fmt: skip


def shown_time(text: str, zone: tzinfo) -> str:
    """A recorded time in a zone, which is named: it can be typed as it is shown."""
    try:
        at = datetime.fromisoformat(text).astimezone(zone).isoformat(" ", "microseconds")
    except (ValueError, OverflowError):
        return plain(text)
    return f"{at.removesuffix('+00:00')} UTC" if zone is UTC else f"{at[:-6]} {at[-6:]}"


def _lines_of(name: str, change: Change, *, is_first: bool) -> Iterator[str]:
    before, after = change.before, change.after
    if is_first and before is None:
        yield f"{name} = {value_text(after)}"
    elif isinstance(before, list) and isinstance(after, list) and before != after:
        yield from (f"{name}: - {value_text(item)}" for item in before if item not in after)
        yield from (f"{name}: + {value_text(item)}" for item in after if item not in before)
    else:
        yield f"{name}: {value_text(before)} -> {value_text(after)}"


def _when(event: Event, zone: tzinfo) -> list[str]:
    return [shown_time(event.recorded_at, zone), f"position {event.place}"]


def _who(event: Event) -> list[str]:
    call = call_of(event.metadata)
    lines = [plain(event.actor)]
    if call.roles:
        lines.append(plain(f"({', '.join(call.roles)})"))
    if call.client:
        lines.append(plain(f"from {call.client}"))
    return lines


def _what(event: Event) -> list[str]:
    call = call_of(event.metadata)
    by = [plain(f"by {call.operation}")] if call.operation else []
    return [plain(event.type), *by, *_where(event)]


def _where(event: Event) -> list[str]:
    request = call_of(event.metadata).request_id
    asked = [plain(f"request {request}")] if request else []
    session = f"session {event.session_id}" if event.session_id.isdigit() else event.session_id
    return [plain(session), f"version {event.version}", *asked]


def _cells(event: Event, zone: tzinfo) -> list[str]:
    """The cells of an event in a line for programs."""
    call = call_of(event.metadata)
    cells = [
        event.place, shown_time(event.recorded_at, zone), event.actor, ", ".join(call.roles),
        event.type, call.operation or "", event.session_id, str(event.version), call.client or "",
        call.request_id or "", "; ".join(change_lines(event)),
    ]  # fmt: skip
    return [plain(cell) for cell in cells]


def _print_block(event: Event, zone: tzinfo, width: int) -> None:
    what, where = _what(event), _where(event)
    for line in wrapped(", ".join(_when(event, zone)), width):
        click.echo(line)
    for parts in (what[: -len(where)], _who(event)):
        print_wrapped(" ".join(parts), width)
    print_wrapped(", ".join(where), width)
    for line in change_lines(event):
        print_wrapped(line, width, 4)
    click.echo()


def _print_lines(parts: Sequence[Sequence[str]], widths: Sequence[int]) -> None:
    """Print cells of lines beside one another, each wrapped to its width."""
    cells = [
        [line for text in part for line in wrapped(text, width)]
        for part, width in zip(parts, widths, strict=True)
    ]
    for number in range(max(map(len, cells))):
        texts = [cell[number] if number < len(cell) else "" for cell in cells]
        padded = [
            text + " " * (width - cell_len(text)) for text, width in zip(texts, widths, strict=True)
        ]
        click.echo(_GAP.join(padded).rstrip())
