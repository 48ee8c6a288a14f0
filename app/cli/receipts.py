"""`receipts`: what was erased, as the log has signed it."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from app.cli.exit_codes import UNREACHABLE, Refused
from app.cli.options import on_data, output_option
from app.cli.param_types import Text
from app.cli.sealing import backup_horizon_option

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence
    from uuid import UUID

    from app.erasure.receipts import Listed
    from app.maintenance.store import DataLocation
    from app.service import Service

_WAIT_S = 20.0
"""For the tree to take up the last events: another process's lease of it may have to end first."""
_ENDS_S = 5.0
"""For what the tree does at that time."""
_PAGE = 500
_NAMED = 5
receipt_file_option = click.option(
    "-o",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the receipt there, not to standard output.",
)
"""Gives a command that prints receipts a file for them, as `file`."""


@click.group()
def receipts() -> None:
    """Receipts of erasures: who asked, why, what went, and the proof that the log says so."""


@receipts.command("list")
@output_option
@on_data
def list_receipts(where: "DataLocation", output: str) -> None:
    """List all receipts, the latest first."""
    from app.cli.accounts import on_service
    from app.cli.output import print_found

    columns = {
        "id": lambda each: str(each.id),
        "erasedAt": lambda each: each.erased_at,
        "askedBy": lambda each: each.asked_by,
        "reason": lambda each: each.reason,
        "sessions": lambda each: str(each.sessions),
    }
    print_found("receipts", on_service(where, _all), columns, output)


@receipts.command("show")
@click.argument("ids", metavar="[ID]...", type=Text(), nargs=-1)
@receipt_file_option
@backup_horizon_option
@on_data
def show(
    where: "DataLocation", ids: tuple[str, ...], file: Path | None, backup_horizon: int
) -> None:
    """Print receipts, by id, or all of them, the oldest first: keep them outside of backups."""
    from app.cli.accounts import on_service

    async def work(service: "Service") -> Signed:
        wanted = ids or [str(each.id) for each in reversed(await _all(service))]
        return await signed_receipts(service, wanted, backup_horizon)

    require_writable(file)
    if not give_receipts(on_service(where, work), file):
        sys.exit(UNREACHABLE)


def require_writable(file: Path | None) -> None:
    """Raise Refused if a file cannot be written: nothing is erased before that is known."""
    if file is not None and not os.access(
        file if file.exists() else file.absolute().parent, os.W_OK
    ):
        raise Refused(f"{file} cannot be written")


class Signed(NamedTuple):
    """Receipts that are to be given away."""

    lines: str
    waiting: "Sequence[UUID]"
    """Those that do not show their erasures yet."""


def give_receipts(signed: Signed, file: Path | None) -> bool:
    """Print receipts, or write them to a file; whether all are whole, of which it is told.

    Raises Refused, with the receipts printed.
    """
    if signed.waiting:
        click.echo(_waits(signed.waiting), err=True)
    if file is not None:
        try:
            file.write_text(signed.lines, encoding="utf-8")
            return not signed.waiting
        except OSError as error:
            click.echo(signed.lines, nl=False)
            raise Refused(f"{file} cannot be written: {error.strerror}") from error
    click.echo(signed.lines, nl=False)
    return not signed.waiting


def _waits(those: "Sequence[UUID]") -> str:
    more = f" and {len(those) - _NAMED} more" if len(those) > _NAMED else ""
    return (
        f"These receipts do not show their erasures yet: {', '.join(map(str, those[:_NAMED]))}"
        f"{more}. Get them again with `sessionary receipts show`. In {_WAIT_S:.0f} s, the tree has "
        "not taken up the last events (`sessionary status` tells of the follower `tree`), or a "
        "rebuild was making an index of a table from which data is to go"
    )


async def signed_receipts(service: "Service", ids: "Sequence[str]", backup_horizon: int) -> Signed:
    """Receipts, each signed as far as it goes.

    If no service runs that would do it, the tree takes up the last events here. All receipts
    together wait for that for some seconds. `backup_horizon`: days. Raises Refused, NotFound,
    StoreDown.
    """
    import asyncio

    from msgspec.structs import replace

    from app.erasure.receipts import NotIssued, drafts, signed

    settings = replace(service.settings, backup_horizon_days=backup_horizon)
    wanted, found = [_id(each) for each in ids], list[str]()
    enough, loop = asyncio.Event(), asyncio.get_running_loop()
    growing = asyncio.create_task(_grow(service, enough))
    deadline = loop.time() + _WAIT_S
    try:
        for each in wanted:
            wait_s = max(0.0, deadline - loop.time())
            found.append(await signed(service.log, settings, each, wait_s))
        return Signed("".join(found), await drafts(service.log, wanted))
    except NotIssued as error:
        raise Refused(str(error)) from error
    finally:
        enough.set()
        await asyncio.wait([growing], timeout=_ENDS_S)
        growing.cancel()
        await asyncio.wait([growing], timeout=_ENDS_S)


async def _grow(service: "Service", enough: "asyncio.Event") -> None:
    """Have the tree take up what there is, unless another process does, until it is enough."""
    import asyncio
    from contextlib import suppress

    from app.followers.tree import follower

    tree = follower(service.log, service.settings)
    try:
        while not enough.is_set():
            pause_s = await tree.try_round()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await enough.wait()
    finally:
        await tree.stop()


async def _all(service: "Service") -> "list[Listed]":
    from app.erasure.receipts import page

    found = await page(service.log, None, _PAGE)
    while more := await page(service.log, found[-1].id, _PAGE) if found else []:
        found += more
    return found


def _id(text: str) -> "UUID":
    from uuid import UUID

    from domain.errors import NotFound

    try:
        return UUID(text)
    except ValueError:
        raise NotFound("Receipt", text[:60]) from None
