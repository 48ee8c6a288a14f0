"""Options of what the log signs: its name, who keeps its checkpoints, what receipts say."""

import re
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING

import click

from app.cli.options import Given, decorated, option
from app.cli.param_types import Seconds
from app.settings import BACKUP_HORIZON_DAYS, CHECKPOINT_EVERY_EVENTS, CHECKPOINT_EVERY_S

if TYPE_CHECKING:
    from app.maintenance.store import DataLocation

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")


class LogName(click.ParamType[str]):
    """A name that checkpoints can be signed under."""

    name = "name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse what C2SP's formats, or people, would misread."""
        if not _NAME.fullmatch(value):
            self.fail(
                f"{value!r} is no name of a log such as example.com/sessions: 1 to 100 letters, "
                "digits and . _ / -",
                param,
                ctx,
            )
        return value


class WitnessAddress(click.ParamType[str]):
    """A witness's URL and its keys, with spaces between them."""

    name = "witness"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse what is no URL, or no key of a witness."""
        from app.proof.trees import Unproven
        from app.proof.witnesses import witness

        try:
            witness(value)
        except (ValueError, Unproven) as error:
            self.fail(f"{value!r}: {error}", param, ctx)
        return value

    def split_envvar_value(self, rv: str) -> list[str]:
        """Of a variable: each URL begins another witness."""
        found: list[str] = []
        for word in rv.split():
            if "://" in word or not found:
                found.append(word)
            else:
                found[-1] += f" {word}"
        return found


class SecondPlace(click.ParamType[str]):
    """A file, a folder or a URL that keeps checkpoints."""

    name = "place"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse what can be none of these; a relative path is one from here."""
        from app.proof.publishing import second_place

        try:
            second_place(value)
        except ValueError as error:
            self.fail(f"{value!r}: {error}", param, ctx)
        return value


log_name_option = option(
    "--log-name",
    type=LogName(),
    help="Name of a new log, under which its checkpoints are signed; fixed when it is made.  "
    "[default: one is drawn]",
)
backup_horizon_option = option(
    "--backup-horizon",
    default=BACKUP_HORIZON_DAYS,
    show_default=True,
    type=click.IntRange(0, 36_500),
    metavar="DAYS",
    help="When the last copy of the database from before an erasure is gone; receipts say so.",
)
_OPTIONS = [
    log_name_option,
    option(
        "--checkpoint-every",
        default=CHECKPOINT_EVERY_S,
        show_default=True,
        type=Seconds(or_none=False),
        metavar="SECONDS",
        help="Seconds after which a signed checkpoint covers an event.",
    ),
    option(
        "--checkpoint-events",
        default=CHECKPOINT_EVERY_EVENTS,
        show_default=True,
        type=click.IntRange(1, 1_000_000),
        help="Events after which one is signed before that time.",
    ),
    option(
        "--checkpoint-ml-dsa",
        is_flag=True,
        help="Sign checkpoints a second time, by ML-DSA-44, which quantum computers cannot forge.",
    ),
    option(
        "--witness",
        multiple=True,
        type=WitnessAddress(),
        metavar="'URL VKEY'",
        help="A witness to ask for a cosignature of each checkpoint, and its key as its `witness "
        "key` prints it; may repeat.",
    ),
    option(
        "--checkpoint-to",
        multiple=True,
        type=SecondPlace(),
        metavar="PLACE",
        help="A second place that keeps each checkpoint: a file, a folder/, or a URL; may repeat.",
    ),
    backup_horizon_option,
]


def sealing_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options, as settings in its argument `sealing`; the name in `where`."""

    @wraps(command)
    def with_sealing(
        where: "DataLocation",
        log_name: str | None,
        checkpoint_every: float,
        checkpoint_events: int,
        checkpoint_ml_dsa: bool,
        witness: tuple[str, ...],
        checkpoint_to: tuple[str, ...],
        backup_horizon: int,
        **others: Given,
    ) -> None:
        from msgspec.structs import replace

        from app.database.new_log import NewLog

        sealing = {
            "checkpoint_every_s": checkpoint_every,
            "checkpoint_every_events": checkpoint_events,
            "checkpoint_ml_dsa": checkpoint_ml_dsa,
            "witnesses": witness,
            "checkpoint_to": checkpoint_to,
            "backup_horizon_days": backup_horizon,
        }
        command(where=replace(where, log=NewLog(name=log_name)), sealing=sealing, **others)

    return decorated(with_sealing, _OPTIONS)
