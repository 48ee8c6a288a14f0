"""`events`: what happened, over the whole log."""

import re
from collections.abc import Callable
from datetime import tzinfo
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from app.cli.exit_codes import Refused
from app.cli.options import Given, decorated, output_option, zone_option
from app.cli.param_types import Text
from app.cli.reading import on_log_or_server, on_source, personal_options

if TYPE_CHECKING:
    from app.cli.reading import Where
    from app.cli.source import Source

_MOST = 1_000_000
_PLACE = re.compile("[0-9]{1,4}:[0-9]{1,18}")


def _filter(name: str, help_text: str) -> Given:
    return click.option(f"--{name}", type=Text(), help=help_text)


_FILTERS = [
    _filter("actor", "Who did it."),
    _filter("type", "What happened, such as ai_session.patched."),
    _filter("operation", "The operation of an API, or of a command, that did it."),
    _filter("face", "Where it came in: evo, superoffice, audit or cli."),
    _filter("session", "A session's id, account:ID, or principal:NAME."),
    _filter("account", "The account of the session, or the account itself."),
    _filter("field", "A field that was set, by its name in the API."),
    _filter("client", "Address of the caller."),
    _filter("request", "Id of the request."),
    click.option("--since", metavar="TIME", help="From this time or position on."),
    click.option("--until", metavar="TIME", help="Before this time; a day is part of it."),
]


def _filtered(command: Callable[..., Any]) -> Callable[..., Any]:
    return decorated(command, _FILTERS)


def _limit(usual: int) -> Callable[[Any], Any]:
    return click.option(
        "--limit",
        type=click.IntRange(1, _MOST),
        default=usual,
        show_default=True,
        help="How many events to show, at most.",
    )


@click.group()
def events() -> None:
    """What happened: all events of the log, whatever they are about.

    A TIME is 2026-11-28T21:20:00Z, '2026-11-28 21:20', 2026-11-28, yesterday, '2h ago', or a
    position such as 0:17.
    """


@events.command("list")
@_filtered
@click.option("--reverse", is_flag=True, help="Oldest first.")
@_limit(50)
@zone_option
@output_option
@personal_options
@on_log_or_server
def list_events(
    where: "Where", limit: int, tz: tzinfo, output: str, reason: str | None, **filters: Given
) -> None:
    """Find events, newest first: those that fit all that is given."""
    from app.cli.event_output import print_events
    from app.cli.moments import clock_in, require_moment
    from app.cli.source import Filters
    from domain.errors import NotFound

    clock = clock_in(tz)
    for name in ("since", "until"):
        require_moment(filters[name], f"--{name}", clock)
    wanted = Filters(**filters)

    async def work(source: "Source") -> bool:
        await print_events(source.find(wanted, limit), output, tz, under="events")
        return source.has_more

    try:
        has_more = on_source(where, clock, reason, work)
    except NotFound as error:
        raise Refused(f"Nothing was recorded for {wanted.session}") from error
    if has_more:
        click.echo(f"There are more than these {limit}: --limit shows more", err=True)


@events.command("show")
@click.argument("event", metavar="POSITION|EVENT_ID")
@zone_option
@output_option
@personal_options
@on_log_or_server
def show_event(where: "Where", event: str, tz: tzinfo, output: str, reason: str | None) -> None:
    """Show one event with all its parts, by its position such as 0:17, or by its id."""
    from app.cli.moments import clock_in
    from app.cli.session_output import print_event
    from domain.errors import NotFound

    if not _PLACE.fullmatch(event):
        try:
            UUID(event)
        except ValueError:
            raise click.UsageError(
                f"An event has a position such as 0:17, or an id, unlike {ascii(event)[:60]}"
            ) from None

    async def work(source: "Source") -> None:
        print_event(await source.event(event), output, tz)

    try:
        on_source(where, clock_in(tz), reason, work)
    except NotFound as error:
        raise Refused(f"There is no event {event}") from error


@events.command("tail")
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes, until interrupted.")
@_limit(10)
@zone_option
@output_option
@personal_options
@on_log_or_server
def tail_events(
    where: "Where", follow: bool, limit: int, tz: tzinfo, output: str, reason: str | None
) -> None:
    """Show the last events, the newest at the end."""
    from app.cli.event_output import Printer
    from app.cli.moments import clock_in
    from app.cli.source import Filters

    if follow and output == "json":
        raise click.UsageError("--follow has no end, and so no JSON array: use --output=ndjson")
    printer = Printer(output, tz, under="events")

    async def work(source: "Source") -> None:
        last = [event async for event in source.find(Filters(), limit)]
        for event in reversed(last):
            printer(event)
        if follow:
            printer.flush()
            async for event in source.follow(last[0].place if last else None):
                printer(event)
                printer.flush()
        printer.end()

    on_source(where, clock_in(tz), reason, work)
