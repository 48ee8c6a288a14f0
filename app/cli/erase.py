"""`erase`: personal data of sessions, or of a person in all sessions, goes for good."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.erasure_lists import listing_erasures, lists_option
from app.cli.exit_codes import DIFFERENCE, Refused
from app.cli.options import on_data
from app.cli.param_types import Text
from app.cli.receipts import (
    Signed,
    give_receipts,
    receipt_file_option,
    require_writable,
    signed_receipts,
)
from app.cli.sealing import backup_horizon_option

if TYPE_CHECKING:
    from app.erasure.again import Again
    from app.erasure.erase import Eraser
    from app.erasure.listed import Listed
    from app.erasure.scope import Erased
    from app.maintenance.store import DataLocation
    from app.service import Service
    from domain.event import Subject


@click.command()
@click.argument("sessions", metavar="[SESSION]...", type=Text(), nargs=-1)
@click.option("--person", type=Text(), metavar="EMAIL", help="Of all sessions that hold it.")
@lists_option("--from-list", "Of what lists (--erasures-to) say was erased; may repeat.")
@click.option("--reason", type=Text(), help="Why: it is in the events that say so.")
@click.option(
    "--approved-by",
    type=Text(),
    metavar="NAME",
    help="A user with the role DataProtection who approved it: the name is in them, too.",
)
@click.option(
    "--subject",
    "subjects",
    type=click.Choice(["customer", "agent"]),
    multiple=True,
    help="Whose data of the sessions; both unless given. With --person, what holds the address.",
)
@click.option("--yes", is_flag=True, help="Do it: only older copies of the database bring it back.")
@receipt_file_option
@backup_horizon_option
@on_data
@listing_erasures
def erase(
    where: "DataLocation",
    sessions: tuple[str, ...],
    person: str | None,
    lists: tuple[Path, ...],
    reason: str | None,
    approved_by: str | None,
    subjects: "tuple[Subject, ...]",
    yes: bool,
    file: Path | None,
    backup_horizon: int,
) -> None:
    """Erase the personal data of sessions, by id, of a person, by e-mail address, or of a list.

    The sessions stay, with who did what and when; the values of their personal fields are gone,
    in the log and in all views, for everybody at once. Prints the receipt, signed by the log. A
    session that was erased before is left as it is.
    """
    from app.cli.accounts import on_service
    from app.erasure.ground import require_reason

    _require_one_way(sessions, person, lists)
    if not sessions and subjects:
        raise click.UsageError("--subject is for sessions that are named")
    if lists and (reason is not None or approved_by is not None):
        raise click.UsageError("--from-list takes neither --reason nor --approved-by: see there")
    ground = "" if lists else require_reason(reason)
    if not yes:
        raise Refused("What is erased is gone for good: repeat this with --yes to do it")
    require_writable(file)
    if lists:
        _from_lists(where, lists)
        return

    async def work(service: "Service") -> Signed:
        eraser = await _eraser(service, ground, approved_by)
        done = await _erased(service, eraser, sessions, person, subjects)
        return await signed_receipts(service, [done.erasure_id], backup_horizon)

    give_receipts(on_service(where, work), file)


def _require_one_way(sessions: Sequence[str], person: str | None, lists: Sequence[Path]) -> None:
    if [bool(sessions), person is not None, bool(lists)].count(True) != 1:
        raise click.UsageError("Give either sessions, --person or --from-list")


def _from_lists(where: "DataLocation", places: Sequence[Path]) -> None:
    from app.cli.accounts import on_service
    from app.erasure.listed import read_lists

    listed = read_lists(places)
    done = on_service(where, lambda service: _again(service, listed))
    click.echo(str(done))
    for each in done.receipts:
        click.echo(f"Its receipt: sessionary receipts show {each}")
    for sentence in done.left:
        click.echo(sentence)
    if done.left:
        sys.exit(DIFFERENCE)


async def _again(service: "Service", listed: "Listed") -> "Again":
    from app.cli.accounts import operators_call
    from app.erasure.again import erase_again

    return await erase_again(service.log, service.reader, operators_call("Erase"), listed)


async def _eraser(service: "Service", reason: str, approved_by: str | None) -> "Eraser":
    from app.cli.accounts import operators_call
    from app.erasure.erase import Eraser
    from app.erasure.ground import require_approver

    call = operators_call("Erase")
    approver = await require_approver(service.people, approved_by, call.actor)
    return Eraser(service.log, service.reader, call, reason, approver)


async def _erased(
    service: "Service",
    eraser: "Eraser",
    names: Sequence[str],
    person: str | None,
    subjects: "Sequence[Subject]",
) -> "Erased":
    from app.erasure.of_person import of_person
    from app.history.sessions import session_named

    if person is None:
        named = [await session_named(service.reader, name) for name in names]
        mine: Sequence[Subject] = subjects or ("customer", "agent")
        return await eraser.of_sessions(named, lambda _: mine)
    found = await of_person(service.log, service.reader, person)
    return await eraser.of_sessions(
        found.sessions, lambda each: found.subjects[each.stream], found.mentioned
    )
