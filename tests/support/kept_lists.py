"""Lists of erasures that tests keep, and what they bring about."""

from pathlib import Path

from app.care.backup import Forget
from app.care.restored_log import RestoredLog
from app.erasure.again import Again, erase_again
from app.erasure.listed import ErasureList, read_lists
from app.history.sessions import session_named
from app.service import Service
from support import given


def forgetting(place: Path) -> Forget:
    """What a restore with a list does."""

    async def forget(log: RestoredLog) -> Again:
        return await erase_again(log, log.reader, given.call("dora"), read_lists([place]))

    return forget


async def again_on(service: Service, place: Path) -> Again:
    """Erase again by a list, beside a service."""
    return await erase_again(service.log, service.reader, given.call("dora"), read_lists([place]))


async def listed_in(service: Service, place: Path, session_id: str) -> None:
    """Put an erasure on a list that is then not carried out, as by a process that was killed."""
    session = await session_named(service.reader, session_id)
    await ErasureList([place]).begun(
        service.pool, service.log.partitions, f"begun-{session_id}",
        {session.stream: (session, ("customer",))},
    )  # fmt: skip
