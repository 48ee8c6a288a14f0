"""`migrate`: the schema, the service's login and the first administrator, by the owner's login."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.options import on_data, option
from app.cli.sealing import log_name_option
from app.settings import MAX_PARTITIONS, SERVICE_ROLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.maintenance.store import DataLocation


@click.command()
@click.option(
    "--partitions",
    type=click.IntRange(1, MAX_PARTITIONS),
    help="Parts of a new log, which append side by side; fixed when it is made.  [default: 1]",
)
@click.option(
    "--distributed",
    is_flag=True,
    help="Distribute the tables of a new log over the nodes of Citus, by partition.",
)
@log_name_option
@option("--admin-user", default="admin", show_default=True, help="Name of the first administrator.")
@option(
    "--admin-password-file",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="File with the first administrator's password; without it, migrate adds none.",
)
@on_data
def migrate(
    where: "DataLocation",
    partitions: int | None,
    distributed: bool,
    log_name: str | None,
    admin_user: str,
    admin_password_file: Path | None,
) -> None:
    """Bring the schema up to date, and say what was done.

    With --owner-url, also lets the service log in as --database-url says, if that is its role.
    """
    import asyncio

    from msgspec.structs import replace

    from app.database.new_log import NewLog
    from app.maintenance.password_file import password_in
    from app.maintenance.store import SchemaPermission, database

    password = None if admin_password_file is None else password_in(admin_password_file)
    log = NewLog(partitions=partitions, name=log_name, distributed=distributed)
    where = replace(where, log=log)
    with database(where, SchemaPermission.MIGRATE) as url:
        done = asyncio.run(_bring_up_to_date(url, where, admin_user, password))
    for what in done or ["Up to date"]:
        click.echo(what)


async def _bring_up_to_date(
    url: str, where: "DataLocation", admin_user: str, password: str | None
) -> "Sequence[str]":
    """What was done, in sentences."""
    from app.database import versions
    from app.maintenance import users
    from app.maintenance.logins import admit_service
    from app.maintenance.store import SchemaPermission, connected, prepare

    applied, _ = await prepare(url, where, SchemaPermission.MIGRATE)
    done = [f"Applied {name}" for name in applied]
    async with connected(url, where.statement_cache) as store:
        if await admit_service(store, where):
            done.append(f"Let {SERVICE_ROLE} log in")
        awaited = await versions.awaited(store.ask)
        done += [
            f"This release's `serve` will build version {view.version} of {view.projection}"
            for view in awaited
        ]
        if password is not None and not awaited and not await users.everybody(store):
            await users.ensure_administrator(store, admin_user, password)
            done.append(f"Created the administrator {admin_user}")
    return done
