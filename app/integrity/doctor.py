"""`doctor`: an operator's first questions, one line for each check."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

import asyncpg
from msgspec import Struct

from app.database import migrate
from app.database.errors import TRANSIENT, SchemaError
from app.database.hosts import each_host
from app.integrity import guards, server
from app.log.errors import WrongMasterKey
from app.maintenance.logins import beyond_service, warnings_of
from app.maintenance.own_session import has_own_session
from app.maintenance.secret_file import UnusableFile
from app.maintenance.standby import standing_of
from app.maintenance.store import (
    Connection,
    DataLocation,
    NotReachable,
    SchemaPermission,
    master_key,
    up_to_date,
)
from app.maintenance.urls import UnusableDatabase

State = Literal["well", "warning", "wrong"]
CLOCK_APART_S = 5.0
"""The most seconds between the database's clock and ours: it gives the times of events."""


class Finding(Struct, frozen=True):
    """The result of one check."""

    check: str
    state: State
    message: str


class Examination(Struct, frozen=True):
    """The database and the options that the checks examine."""

    store: Connection
    where: DataLocation


Check = Callable[[Examination], Awaitable[tuple[State, str]]]


async def examine(examination: Examination) -> list[Finding]:
    """The findings of all checks. Raises one of TRANSIENT when the database goes away."""
    return [
        Finding(name, *await _carried_out(check, examination)) for name, check in CHECKS.items()
    ]


async def _carried_out(check: Check, examination: Examination) -> tuple[State, str]:
    try:
        return await check(examination)
    except TRANSIENT:
        raise
    except (SchemaError, WrongMasterKey, UnusableFile, asyncpg.PostgresError) as error:
        return "wrong", str(error)


async def _server(examination: Examination) -> tuple[State, str]:
    connection = examination.store.raw
    await migrate.refuse_unfit(connection)
    version = connection.get_server_version()
    standby = await connection.fetchval(migrate.SQL["in_recovery"])
    # (The driver reads 18.4 as 18.0.4, in the version scheme from before 10.)
    return "well", f"PostgreSQL {version.major}.{version.micro}, UTF8{', a standby' * standby}"


async def _release(examination: Examination) -> tuple[State, str]:
    version = examination.store.raw.get_server_version()
    told = server.minor_in_words(version.major, version.micro, embedded=examination.where.embedded)
    return ("well", "No holes are known of this release") if told is None else ("warning", told)


async def _disk(examination: Examination) -> tuple[State, str]:
    if not examination.where.embedded:
        size = await server.size(examination.store)
        return "well", f"The server's disk cannot be seen from here; the database takes {size}"
    folder = examination.where.data_dir.expanduser()
    free, told = server.room_in_words(folder)
    if free < server.NO_BYTES:
        return "wrong", told
    return "warning" if server.is_scarce(folder) else "well", told


async def _vacuum(examination: Examination) -> tuple[State, str]:
    found = await server.vacuum_off(examination.store, guards.tables())
    return _told(found, "Autovacuum cleans up all tables")


async def _ages(examination: Examination) -> tuple[State, str]:
    urgent, late = await server.ages(examination.store)
    if urgent:
        return "wrong", "; ".join(urgent)
    return ("warning", "; ".join(late)) if late else ("well", "Old transactions are frozen in time")


async def _bloat(examination: Examination) -> tuple[State, str]:
    found = await server.bloat(examination.store, guards.tables())
    return ("warning", "; ".join(found)) if found else ("well", "Tables hold little but their rows")


async def _indexes(examination: Examination) -> tuple[State, str]:
    await up_to_date(examination.store, SchemaPermission.LOOK)  # else some are not yet made
    found = await server.missing_indexes(examination.store, guards.tables())
    return _told(found, "All that migrations make are there")


async def _line(examination: Examination) -> tuple[State, str]:
    warnings = warnings_of(examination.where)
    return ("warning", "; ".join(warnings)) if warnings else ("well", "By TLS, or here")


async def _session(examination: Examination) -> tuple[State, str]:
    if await has_own_session(examination.store):
        return "well", "The owner's connection leads to the server itself"
    return "warning", (
        "The owner's connection goes through a pooler: `operate`, `rebuild`, `projections back`, "
        "`verify`, `backup` and `keys rotate` need one to the server itself"
    )


async def _durability(examination: Examination) -> tuple[State, str]:
    try:
        await migrate.refuse_unsafe(examination.store.raw)
    except migrate.UnsafeDatabase as error:
        return "warning" if examination.where.allow_unsafe_database else "wrong", str(error)
    return "well", "fsync, full_page_writes and synchronous_commit are on"


async def _standbys(examination: Examination) -> tuple[State, str]:
    where = examination.where
    hosts = len(each_host(where.database_url or where.owner_url or ""))
    (row,) = await examination.store.ask(server.SQL["standbys"])
    well, told = server.standbys_in_words(row["names"], row["level"], hosts=hosts)
    return "well" if well else "warning", told


async def _standby(examination: Examination) -> tuple[State, str]:
    try:
        found = await standing_of(examination.where, examination.store)
    except UnusableDatabase as error:
        return "wrong", str(error)
    if found is None:
        return "well", "No standby is read"
    if found.state == "read":
        return "well", "Lists, past moments and audits can be read from the one of --read-url"
    return "warning", f"The one of --read-url cannot be read, so the primary is: {found.reason}"


async def _collation(examination: Examination) -> tuple[State, str]:
    found = await guards.changed_collations(examination.store)
    return _told(found, "Texts are sorted as when the indexes were made")


async def _schema(examination: Examination) -> tuple[State, str]:
    await up_to_date(examination.store, SchemaPermission.LOOK)
    return "well", f"At migration {migrate.available()[-1].number}, up to date"


async def _rights(examination: Examination) -> tuple[State, str]:
    found = await guards.rights_amiss(examination.store)
    return _told(found, "The service's role reads and appends, PUBLIC may do nothing")


async def _login(examination: Examination) -> tuple[State, str]:
    where = examination.where
    if where.database_url is None and not where.embedded:
        return "warning", "Only the owner's login was given, so the service's was not looked at"
    try:
        login, found = await beyond_service(where)
    except (NotReachable, UnusableDatabase) as error:
        return "wrong", f"The service cannot log in: {error}"
    if found:
        # (With one URL it need not be the service's: `serve` would refuse it.)
        one = where.owner_url is None and not where.embedded
        allowed = where.allow_owner_login or one
        told = f"The service logs in as {login}, which could change the log: it "
        return "warning" if allowed else "wrong", told + ", it ".join(found)
    return "well", f"The service logs in as {login}, which can only read and append"


async def _guards(examination: Examination) -> tuple[State, str]:
    found = await guards.lost(examination.store)
    return _told(found, "Triggers, keys and owners are as the migrations made them")


async def _master_key(examination: Examination) -> tuple[State, str]:
    await up_to_date(
        examination.store, SchemaPermission.LOOK
    )  # without a schema, the key has nothing to compare with
    await master_key(examination.store, examination.where)
    return "well", "It is the one that the log is written with"


async def _clock(examination: Examination) -> tuple[State, str]:
    before = datetime.now(UTC)
    at: datetime = await examination.store.raw.fetchval(guards.SQL["clock"])
    after = datetime.now(UTC)
    apart_s = max((before - at).total_seconds(), (at - after).total_seconds(), 0.0)
    told = f"The database's clock is {apart_s:.1f} s from ours"
    return "wrong" if apart_s > CLOCK_APART_S else "well", told


CHECKS: Mapping[str, Check] = {
    "server": _server,
    "release": _release,
    "line": _line,
    "session": _session,
    "durability": _durability,
    "standbys": _standbys,
    "standby": _standby,
    "disk": _disk,
    "collation": _collation,
    "schema": _schema,
    "rights": _rights,
    "login": _login,
    "guards": _guards,
    "indexes": _indexes,
    "vacuum": _vacuum,
    "ages": _ages,
    "bloat": _bloat,
    "master key": _master_key,
    "clock": _clock,
}
"""All checks, in the order of their display."""


def _told(found: Sequence[str], else_told: str) -> tuple[State, str]:
    return ("wrong", "; ".join(found)) if found else ("well", else_told)
