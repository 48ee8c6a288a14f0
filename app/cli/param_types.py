"""What options take that click has no type for."""

import math
import os
import re
from pathlib import Path

import click

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#@,]+/?", re.IGNORECASE)
_LONGEST_S = 1e9
"""Some 30 years: so long ago there is still a date."""


class Folder(click.Path):
    """A folder; an empty name, as of a shell variable that is not set, is not the present one."""

    def __init__(self) -> None:
        """It need not be there."""
        super().__init__(file_okay=False, path_type=Path)

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        """Refuse an empty name."""
        if not os.fspath(value):
            self.fail("The name is empty", param, ctx)
        return super().convert(value, param, ctx)


class Seconds(click.FloatRange):
    """A time from 0 on that a clock can be set back by; `nan` is in every range."""

    def __init__(self, *, or_none: bool = True) -> None:
        """`or_none`: whether 0 is taken."""
        super().__init__(0, _LONGEST_S, min_open=not or_none)

    def convert(
        self, value: float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Refuse what is no number."""
        seconds = float(super().convert(value, param, ctx))
        if math.isnan(seconds):
            self.fail(f"{value} is no number", param, ctx)
        return seconds


class Origin(click.ParamType[str]):
    """Where a page comes from, as a browser writes it."""

    name = "origin"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse what no browser would send."""
        if not _ORIGIN.fullmatch(value):
            self.fail(f"{value!r} is no origin such as https://app.example.com", param, ctx)
        return value
