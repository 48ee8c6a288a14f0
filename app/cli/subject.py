"""`subject`: all that is held on a person, as JSON Lines, and its taking on record."""

import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from app.cli.exit_codes import Refused
from app.cli.param_types import Text
from app.cli.reading import on_log_or_server, on_server
from app.cli.server import Server

if TYPE_CHECKING:
    from app.cli.reading import Where
    from app.erasure.people import HeldSession
    from app.erasure.search import Person
    from app.service import Service

_DASH = Path("-")
_SESSION = b'{"session":'
"""Begins the line of a session."""


@click.command()
@click.argument("email", type=Text(), required=False)
@click.option("--phone", type=Text(), help="A phone number: its digits, with the country's.")
@click.option("--name", type=Text(), help="A name, as a whole field holds it, in any case.")
@click.option("--reason", type=Text(), required=True, help="Why: it is in the event that says so.")
@click.option(
    "-o",
    "--output-file",
    "file",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    default=_DASH,
    help="File to make, which only its owner may read; standard output unless given.",
)
@click.option(
    "--output",
    type=click.Choice(["ndjson", "json", "table"]),
    default="ndjson",
    show_default=True,
    help="How to show it; a table has the sessions without their events.",
)
@on_log_or_server
def subject(
    where: "Where",
    email: str | None,
    phone: str | None,
    name: str | None,
    reason: str,
    file: Path,
    output: str,
) -> None:
    """Show all that is held on the person with an address: EMAIL, --phone or --name, or several.

    Each session that holds it comes with its state, all of its events and their values, and who saw
    personal data of it. That it was taken, by whom and why, is an event first; the address is not
    in it. The last line says what was searched: without it, the rest is not all. With --server, the
    token is of a user with the role DataProtection.
    """
    from app.cli.accounts import require_reason
    from app.erasure.search import Person, require_sense

    person = Person(email=email, phone=phone, name=name)
    require_sense(person)
    require_reason(reason)
    with _Sink(file) as sink:
        show = _shown(output, sink)
        count = _taken(where, person, reason, show.line)
        show.end()
    click.echo(f"{count} sessions hold it", err=True)


def _taken(where: "Where", person: "Person", reason: str, show: "Callable[[bytes], None]") -> int:
    """Show all lines; returns how many sessions these are of."""
    if not isinstance(where, Server):
        from app.cli.accounts import on_service

        return on_service(where, lambda service: _each(_by_database(service, person, reason), show))
    from msgspec.structs import asdict

    return on_server(where, lambda remote: _each(remote.held_on(asdict(person), reason), show))


async def _each(lines: "AsyncIterator[bytes]", show: "Callable[[bytes], None]") -> int:
    count = 0
    async for line in lines:
        show(line)
        count += line.startswith(_SESSION)
    return count


async def _by_database(service: "Service", person: "Person", reason: str) -> "AsyncIterator[bytes]":
    """The lines that the service would give; that they are taken is on record before."""
    from app.cli.accounts import record_view
    from app.erasure.people import export

    async def on_record(sessions: Sequence[str]) -> None:
        named = "&".join(f"session={session}" for session in sessions)
        await record_view(service, reason, f"subject?{named}" if named else "subject", "Subject")

    async for line in export(service.log, service.reader, person, on_record):
        yield bytes(line)


class _Sink:
    """Where the lines go: a new file of the owner's alone, or standard output."""

    def __init__(self, file: Path) -> None:
        """Opens nothing yet."""
        self._file = file
        self._opened: BinaryIO | None = None

    def __enter__(self) -> "_Sink":
        if self._file == _DASH:
            return self
        try:
            made = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as error:
            raise Refused(f"{self._file} exists: name another file, or remove it") from error
        except OSError as error:
            raise Refused(f"{self._file} cannot be made: {error.strerror}") from error
        self._opened = os.fdopen(made, "wb")
        return self

    def __exit__(self, *failed: object) -> None:
        if self._opened is not None:
            self._opened.close()
            if failed[0] is not None:  # a part of it would pass for the whole
                self._file.unlink(missing_ok=True)
        else:
            sys.stdout.buffer.flush()

    def write(self, text: bytes) -> None:
        """Write some bytes."""
        (self._opened or sys.stdout.buffer).write(text)


class _Lines:
    """Each line as it comes: JSON Lines, or the elements of one JSON list."""

    def __init__(self, sink: _Sink, begin: bytes, between: bytes, end: bytes) -> None:
        self._sink = sink
        self._next, self._between, self._end = begin, between, end

    def line(self, line: bytes) -> None:
        """Show a line."""
        self._sink.write(self._next + line)
        self._next = self._between

    def end(self) -> None:
        """Show the end."""
        self._sink.write(self._end)


class _Table:
    """The sessions alone, once all are known."""

    def __init__(self, sink: _Sink) -> None:
        self._sink = sink
        self._sessions: list[HeldSession] = []
        self._others: list[str] = []

    def line(self, text: bytes) -> None:
        """Keep what the table shows."""
        import msgspec

        from app.erasure.people import Line

        line = msgspec.json.decode(text, type=Line)
        if line.session is not None:
            self._sessions.append(line.session)
        elif line.user is not None:
            self._others.append(f"There is a user {line.user.name}. {line.user.kept}")
        elif line.covers is not None:
            self._others.append(line.covers)

    def end(self) -> None:
        """Show it."""
        from app.cli.output import plain, value_text

        for each in self._sessions:
            cells = [each.session_id, each.kind, each.state, str(each.events), each.last_at]
            text = "\t".join([*map(plain, cells), value_text(each.holds)])
            self._sink.write(f"{text}\n".encode())
        for other in self._others:
            click.echo(plain(other), err=True)


def _shown(output: str, sink: _Sink) -> _Lines | _Table:
    match output:
        case "table":
            return _Table(sink)
        case "json":
            return _Lines(sink, b"[", b",\n", b"]\n")
        case _:
            return _Lines(sink, b"", b"\n", b"\n")
