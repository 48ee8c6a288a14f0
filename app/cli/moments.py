"""Times, positions and versions as people type them on the command line."""

from datetime import UTC, datetime, tzinfo

import click

from app.codecs.json_text import BadInput
from app.history.moments import Moment, Span, parse, parse_time
from app.history.sessions import Clock


def clock_in(zone: tzinfo) -> Clock:
    """The present, and the zone of times that name none."""
    return Clock(datetime.now(UTC), zone)


def require_moment(text: str | None, option: str, clock: Clock) -> None:
    """Refuse what is no moment, and say how a time was understood that leaves something open."""
    if text is None:
        return
    try:
        moment = parse(text, option, zone=clock.zone, now=clock.now)
    except BadInput as error:
        raise click.UsageError(str(error)) from error
    if isinstance(moment, Span) and not _is_exact(text, moment, clock):
        click.echo(f"{option} {text.strip()} is {_shown(moment, clock.zone)}", err=True)


def _is_exact(text: str, moment: Moment, clock: Clock) -> bool:
    """Whether a text means the same at any time and in any zone."""
    from datetime import timedelta, timezone

    elsewhere = timezone(timedelta(hours=11, minutes=30))
    return moment == parse_time(text, "", zone=elsewhere, now=clock.now - timedelta(hours=1))


def _shown(span: Span, zone: tzinfo) -> str:
    start, end = (at.astimezone(zone) for at in (span.start, span.end))
    if start == end:
        return f"{start:%Y-%m-%d %H:%M:%S} {_zone_of(start)}"
    return f"{start:%Y-%m-%d %H:%M:%S} to {end:%H:%M:%S} {_zone_of(end)}"


def _zone_of(at: datetime) -> str:
    return "UTC" if at.tzinfo is UTC else f"{at:%Z} ({at.isoformat()[-6:]})"
