"""The options for lists of erasures: where they are kept, and which of them count."""

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli.options import Given, decorated, option

if TYPE_CHECKING:
    from app.maintenance.store import DataLocation


class _Place(click.Path):
    """A file, which need not exist, or a folder, which must."""

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        """Refuse what can be neither; a relative path is one from here."""
        text = os.fspath(value)
        if not text.strip() or "://" in text:
            self.fail(f"{text!r} is no file and no folder", param, ctx)
        path = Path(text).absolute()
        if not path.is_dir() and (text.endswith("/") or not path.parent.is_dir()):
            self.fail(f"{text!r}: there is no such folder", param, ctx)
        return super().convert(path, param, ctx)


_KEPT = option(
    "--erasures-to",
    multiple=True,
    type=_Place(path_type=Path),
    metavar="PLACE",
    help="A list of erasures outside the database, by which `restore --erasures` does them again: "
    "a file, or a folder that is there; may repeat.",
)


def listing_erasures(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command that erases, or serves those who do, the places of its lists in `where`."""

    @wraps(command)
    def with_places(where: "DataLocation", erasures_to: tuple[Path, ...], **others: Given) -> None:
        from msgspec.structs import replace

        command(where=replace(where, erasures_to=erasures_to), **others)

    return decorated(with_places, [_KEPT])


def lists_option(name: str, text: str) -> Callable[..., Any]:
    """The option that names lists to read."""
    return click.option(
        name,
        "lists",
        multiple=True,
        type=click.Path(exists=True, path_type=Path),
        metavar="PLACE",
        help=text,
    )
