"""`retain`: personal data that has been kept for as long as the policy says is erased."""

from typing import TYPE_CHECKING

import click

from app.cli.erasure_lists import listing_erasures
from app.cli.exit_codes import Refused
from app.cli.options import on_data, option
from app.cli.receipts import give_receipts, signed_receipts
from app.cli.sealing import backup_horizon_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.erasure.retention import Due
    from app.maintenance.store import DataLocation
    from app.service import Service

_FLOOR_DAYS = 183
"""As in `retention`, which is imported when it runs."""


@click.command("retain")
@option(
    "--retain",
    type=click.IntRange(1, 36_500),
    metavar="DAYS",
    help="How long personal data is kept after a session's last event; off unless given.",
)
@option(
    "--retention-floor",
    type=click.IntRange(0, 36_500),
    metavar="DAYS",
    default=_FLOOR_DAYS,
    show_default=True,
    help="What is younger is never erased by policy.",
)
@click.option("--dry-run", is_flag=True, help="Show which sessions are due, and erase nothing.")
@backup_horizon_option
@on_data
@listing_erasures
def erase_by_policy(
    where: "DataLocation",
    retain: int | None,
    retention_floor: int,
    dry_run: bool,
    backup_horizon: int,
) -> None:
    """Erase the personal data of sessions whose last event is older than --retain DAYS.

    Sessions on hold stay. Each page of sessions is an erasure of its own, and its receipt a line;
    with --dry-run, a line is a session: its id, the time of its last event, and why it stays.
    """
    from app.cli.accounts import on_service
    from app.erasure.retention import BelowFloor, require_above_floor

    if retain is None:
        raise Refused("Nothing is erased by policy until --retain DAYS is given")
    try:
        require_above_floor(retain, retention_floor)
    except BelowFloor as error:
        raise Refused(str(error)) from error

    async def work(service: "Service") -> tuple[int, int]:
        return await _retained(service, retain, None if dry_run else backup_horizon)

    erased, kept = on_service(where, work)
    done = "are due" if dry_run else "were erased"
    click.echo(f"{erased} sessions {done}, {kept} stay on hold", err=True)


async def _retained(service: "Service", days: int, horizon: int | None) -> tuple[int, int]:
    """How many sessions were erased, and how many are on hold.

    `horizon`: days, of backups; None: nothing is erased, only what is due is counted.
    """
    from app.erasure.retention import due

    erased = kept = 0
    async for page in due(service.reader, days):
        free = [each for each in page if each.hold is None]
        erased, kept = erased + len(free), kept + len(page) - len(free)
        if horizon is None:
            _show(page)
        elif free:
            await _erase(service, free, days, horizon)
    return erased, kept


def _show(page: "Sequence[Due]") -> None:
    from app.cli.output import print_line

    for each in page:
        told = {
            "sessionId": each.session.session_id,
            "lastAt": each.last_at,
            "hold": None if each.hold is None else each.hold.reason,
        }
        print_line(told)


async def _erase(service: "Service", free: "Sequence[Due]", days: int, horizon: int) -> None:
    from app.cli.accounts import operators_call
    from app.erasure.erase import Eraser

    call = operators_call("Retain")
    eraser = Eraser(service.log, service.reader, call, f"Policy: kept for {days} days")
    done = await eraser.of_sessions(
        [each.session for each in free], lambda _: ("customer", "agent")
    )
    give_receipts(await signed_receipts(service, [done.erasure_id], horizon), None)
