"""The standby of `--read-url`, as commands look at it: once, and with patience."""

from app.database.distribution import is_distributed
from app.log.fence import Verdict
from app.log.read import Asks
from app.log.standby import Standby, Standing, UnfitStandby
from app.maintenance.store import DataLocation
from app.maintenance.urls import UnusableDatabase
from app.settings import Settings

_PATIENT_S = 2.0
"""Seconds for it to come up with the primary."""


async def standing_of(where: DataLocation, primary: Asks) -> Standing | None:
    """How the standby stands; None if the options name none. Raises UnusableDatabase."""
    url = where.whole_read_url
    if url is None:
        return None
    settings = where.settings("", b"", read_wait_s=_PATIENT_S)
    return (await _looked_at(Standby(settings, url, primary))).standing


async def refuse_unfit(settings: Settings, primary: Asks) -> str | None:
    """A warning if the standby of `settings` cannot be read now; None also if they name none.

    Raises UnusableDatabase if it never can: it has another log, or the log has a form for which
    one standby is not enough.
    """
    if settings.read_url is None:
        return None
    if await is_distributed(primary.ask):
        raise UnusableDatabase(
            "--read-url cannot be used with distributed tables: each node has a part of the log"
        )
    standby = await _looked_at(Standby(settings, settings.read_url, primary))
    failure = standby.failure
    if isinstance(failure, UnfitStandby) and failure.verdict is Verdict.ANOTHER:
        raise UnusableDatabase(f"--read-url names no standby of --database-url: {failure}")
    if standby.standing.state == "read":
        return None
    return f"The standby of --read-url is not read for now: {standby.standing.reason}"


async def _looked_at(standby: Standby) -> Standby:
    try:
        await standby.look()
    finally:
        await standby.close()
    return standby
