"""The options of `serve` that say how the log is named and how its checkpoints are signed."""

import re
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING

import click

from app.cli.options import Given, decorated, option
from app.cli.param_types import Seconds
from app.settings import CHECKPOINT_EVERY_EVENTS, CHECKPOINT_EVERY_S

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


log_name_option = option(
    "--log-name",
    type=LogName(),
    help="Name of a new log, under which its checkpoints are signed; fixed when it is made.  "
    "[default: one is drawn]",
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
        **others: Given,
    ) -> None:
        from msgspec.structs import replace

        sealing = {
            "checkpoint_every_s": checkpoint_every,
            "checkpoint_every_events": checkpoint_events,
            "checkpoint_ml_dsa": checkpoint_ml_dsa,
        }
        command(where=replace(where, log_name=log_name), sealing=sealing, **others)

    return decorated(with_sealing, _OPTIONS)
