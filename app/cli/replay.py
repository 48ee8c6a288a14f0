"""`replay`: one session through time."""

from collections.abc import Mapping
from datetime import tzinfo
from typing import TYPE_CHECKING

import click

from app.cli.exit_codes import Refused
from app.cli.options import Given, output_option, zone_option
from app.cli.param_types import Text
from app.cli.reading import (
    on_log_or_server,
    on_server,
    on_source,
    parameters,
    personal_options,
)
from app.cli.server import Server

if TYPE_CHECKING:
    from app.cli.reading import Where
    from app.cli.source import Source
    from app.history.sessions import Clock


@click.command()
@click.argument("stream", type=Text())
@click.option(
    "--as-of",
    metavar="TIME|VERSION",
    help="Only up to a version, a position such as 0:17, or a time such as 2026-11-21T10:00:00Z, "
    "'2026-11-28 21:20', 2026-11-28 or '2h ago'.",
)
@click.option("--state", is_flag=True, help="The state then, in place of the events.")
@click.option(
    "--as",
    "face",
    type=click.Choice(["evo", "superoffice"]),
    help="The bytes that a GET of this API answered then.",
)
@click.option(
    "--diff",
    nargs=2,
    metavar="A B",
    help="The fields that differ between two versions, times or positions.",
)
@click.option("--who", type=Text(), metavar="FIELD", help="All events that set a field.")
@zone_option
@output_option
@personal_options
@on_log_or_server
def replay(
    where: "Where",
    stream: str,
    as_of: str | None,
    tz: tzinfo,
    output: str,
    reason: str | None,
    **asked: Given,
) -> None:
    """Show a history: STREAM is a session's id, account:ID, or principal:NAME."""
    from app.cli.moments import clock_in
    from app.cli.session_output import Shown
    from domain.errors import NotFound

    clock = clock_in(tz)
    _require_sense(stream, as_of, asked, clock)
    shown = Shown(stream, as_of, output, tz)

    async def work(source: "Source") -> None:
        if asked["state"]:
            await shown.state(source)
        elif asked["diff"]:
            await shown.difference(source, *asked["diff"])
        elif asked["who"]:
            await shown.life_of(source, asked["who"])
        else:
            await shown.history(source)

    try:
        if face := asked["face"]:
            click.echo(_answer(where, stream, as_of, face, clock, reason), nl=False)
        else:
            on_source(where, clock, reason, work)
    except NotFound as error:
        when = "" if as_of is None else f" up to {as_of}"
        raise Refused(f"Nothing was recorded for {stream}{when}") from error


def _answer(
    where: "Where", stream: str, as_of: str | None, face: str, clock: "Clock", reason: str | None
) -> bytes:
    if isinstance(where, Server):
        return on_server(
            where, lambda remote: remote.answer(stream, as_of, face), parameters(clock, reason)
        )
    from app.cli.answered import answer_by_database

    return answer_by_database(where, stream, as_of, face, clock)


def _require_sense(
    stream: str, as_of: str | None, asked: Mapping[str, Given], clock: "Clock"
) -> None:
    """Say how moments were understood. Raises UsageError for what nobody can answer."""
    from app.cli.moments import require_moment
    from app.history.named import stream_named

    questions = {"state": "--state", "face": "--as", "diff": "--diff", "who": "--who"}
    given = [option for name, option in questions.items() if asked[name]]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} are two questions: ask one of them")
    if asked["diff"] and as_of is not None:
        raise click.UsageError("--diff names its moments itself: leave out --as-of")
    require_moment(as_of, "--as-of", clock)
    for moment in asked["diff"] or ():
        require_moment(moment, "--diff", clock)
    try:
        stream_named(stream)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
