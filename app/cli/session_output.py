"""One event, and what is known of one session, as commands print them."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import TypeAlias

import click
import msgspec
from msgspec import UNSET, Struct, UnsetType

from app.cli.event_output import CSV_COLUMNS, Printer, csv_cells, print_events, shown_time
from app.cli.output import (
    plain,
    print_csv,
    print_json,
    print_line,
    print_table,
    print_wrapped,
    terminal_columns,
    value_text,
)
from app.cli.source import Source
from app.codecs.value import Tree
from app.history.one_event import Change, Event
from app.history.sessions import SetBy
from domain.errors import NotFound

_LIFE = (
    "field", "version", "position", "eventId", "recordedAt", "actor", "operation", "requestId",
    "before", "after",
)  # fmt: skip
_LIFE_TABLE = tuple(column for column in _LIFE if column not in ("field", "eventId"))
_Row: TypeAlias = tuple[list[str], Change]


def print_event(event: Event, output: str, zone: tzinfo) -> None:
    """Print one event with all its parts."""
    if output == "json":
        print_json(event)
        return
    Printer(output, zone)(event)
    if output == "table" and terminal_columns() is not None:
        print_fields(event.data, "data")


def print_fields(fields: Mapping[str, Tree], title: str) -> None:
    """Print fields with their values, below one another."""
    width = terminal_columns()
    if width is None:
        for name, value in fields.items():
            click.echo(f"{name}\t{value_text(value)}")
        return
    click.echo(f"{title}:")
    for name, value in fields.items():
        print_wrapped(f"{name} = {value_text(value)}", width)


class Shown:
    """One session as a command shows it."""

    def __init__(self, session: str, as_of: str | None, output: str, zone: tzinfo) -> None:
        """`as_of`: the moment to show it at; None: now."""
        self.session = session
        self.as_of = as_of
        self.output = output
        self.zone = zone

    async def history(self, source: Source) -> None:
        """Print all events. Raises NotFound if there are none."""
        events = source.history(self.session, self.as_of)
        if not await print_events(events, self.output, self.zone):
            raise NotFound("Session", self.session)

    async def state(self, source: Source) -> None:
        """Print the state, of JSON as part of the last event."""
        event = await source.state(self.session, self.as_of)
        if self.output == "table":
            at = f"{shown_time(event.recorded_at, self.zone)}, version {event.version}"
            print_fields(event.state or {}, f"{plain(event.session_id)} at {at}")
        elif self.output == "csv":
            state = msgspec.json.encode(event.state).decode()
            print_csv([[*CSV_COLUMNS, "state"], [*csv_cells(event), state]])
        else:
            print_event(event, self.output, self.zone)

    async def difference(self, source: Source, from_: str, to: str) -> None:
        """Print the fields that differ between two moments."""
        found = await source.difference(self.session, from_, to)
        sides = ("before", "after")
        if self.output == "table":
            sides = (f"version {found.from_.version}", f"version {found.to.version}")
        rows: list[_Row] = [([name], change) for name, change in found.changed.items()]
        _print_changes(found, self.output, ("field", *sides), rows)

    async def life_of(self, source: Source, field: str) -> None:
        """Print all events that set a field."""
        found = await source.life_of(self.session, field, self.as_of)
        rows = [(self._set_by(found.field, each), _change(each)) for each in found.history]
        columns = _LIFE_TABLE if self.output == "table" else _LIFE
        _print_changes(found, self.output, columns, rows)

    def _set_by(self, field: str, event: SetBy) -> list[str]:
        by = [event.actor, event.operation or "", event.request_id or ""]
        if self.output == "table":
            return [
                str(event.version),
                event.position,
                shown_time(event.recorded_at, self.zone),
                *by,
            ]
        return [field, str(event.version), event.position, event.event_id, event.recorded_at, *by]


def _print_changes(
    found: Struct, output: str, columns: Sequence[str], rows: Sequence[_Row]
) -> None:
    match output:
        case "json":
            print_json(found)
        case "ndjson":
            print_line(found)
        case "csv":
            cells = [[*row, _csv_value(c.before), _csv_value(c.after)] for row, c in rows]
            print_csv([columns, *cells])
        case _:
            print_table(
                columns, [[*row, value_text(c.before), value_text(c.after)] for row, c in rows]
            )


def _change(event: SetBy) -> Change:
    return Change(_given(event.before), _given(event.after))


def _given(value: Tree | UnsetType) -> Tree:
    return None if value is UNSET else value


def _csv_value(value: Tree) -> object:
    return value if value is None or isinstance(value, str | int) else value_text(value)
