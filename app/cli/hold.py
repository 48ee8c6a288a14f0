"""`hold`: what nobody may erase, and why."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from app.cli.options import on_data, output_option
from app.cli.param_types import Text

if TYPE_CHECKING:
    from app.maintenance.store import DataLocation
    from app.service import Service
    from domain.hold import Command

_REASON = click.option("--reason", type=Text(), required=True, help="Why: it is on record.")


@click.group()
def hold() -> None:
    """Legal holds: sessions, and accounts with all their sessions, that nobody may erase."""


@hold.command("add")
@click.argument("target", type=Text())
@_REASON
@on_data
def add(where: "DataLocation", target: str, reason: str) -> None:
    """Forbid to erase TARGET: a session's id, or account:ID for all sessions of an account."""
    from domain.hold import PlaceHold

    named = _done(where, target, reason, lambda name: PlaceHold(target=name, reason=reason))
    click.echo(f"{named} is on hold", err=True)


@hold.command("remove")
@click.argument("target", type=Text())
@_REASON
@on_data
def remove(where: "DataLocation", target: str, reason: str) -> None:
    """Allow again to erase TARGET."""
    from domain.hold import LiftHold

    named = _done(where, target, reason, lambda name: LiftHold(target=name, reason=reason))
    click.echo(f"{named} is no longer on hold", err=True)


@hold.command("list")
@output_option
@on_data
def list_holds(where: "DataLocation", output: str) -> None:
    """List the holds that are not lifted."""
    from app.cli.output import print_found
    from app.cli.work import on_store
    from app.erasure.holds import all_holds

    found = on_store(where, all_holds, looks=True, as_service=True)
    columns = {
        "target": lambda each: each.target,
        "reason": lambda each: each.reason,
        "placedBy": lambda each: each.placed_by,
        "placedAt": lambda each: each.placed_at,
    }
    print_found("holds", found, columns, output)


def _done(
    where: "DataLocation", target: str, reason: str, command: "Callable[[str], Command]"
) -> str:
    """Carry out a command on a hold; the target as holds spell it."""
    from app.cli.accounts import on_service, operators_call, require_reason
    from app.erasure.holds import target_named

    require_reason(reason)

    async def work(service: "Service") -> str:
        name = await target_named(service.reader, target)
        wanted = command(name)
        await service.commands.handle(wanted, operators_call(type(wanted).__name__))
        return name

    return on_service(where, work)
