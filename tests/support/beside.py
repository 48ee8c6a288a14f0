"""What an operator does while others write."""

import asyncio
from collections import Counter

from app.integrity.verify import verify
from app.log.keyring import Keyring
from app.maintenance.store import Connection, connected
from app.rebuild.rebuild import named, rebuild
from app.rebuild.swap import RebuildUnderWay
from app.service import Service
from support import given
from support.patience import patient


async def verify_beside_writers_and_rebuilds(
    service: Service, store: Connection, database_url: str, keyring: Keyring
) -> None:
    """Verify five times, and rebuild twice, beside four who write; nothing must be found."""
    stop = asyncio.Event()
    done = Counter[str]()

    async def write() -> None:
        while not stop.is_set():
            session = given.session_of(await given.open_ai_session(service))
            await given.patch_ai_session(service, session, "other")
            await given.delete_ai_session(service, session)
            await given.open_chat_session(service)
            done["writes"] += 1
            await asyncio.sleep(0.02)  # the log must not grow faster than it is read

    async def rebuild_again_and_again() -> None:
        async with connected(database_url) as other:
            while not stop.is_set():
                try:
                    await rebuild(other, keyring, named(()), silent)
                    done["rebuilds"] += 1
                except RebuildUnderWay:
                    await asyncio.sleep(0)

    async with asyncio.timeout(patient(60)), asyncio.TaskGroup() as tasks:
        for _ in range(4):
            tasks.create_task(write())
        tasks.create_task(rebuild_again_and_again())
        while done["verifications"] < 5 or done["rebuilds"] < 2:
            assert await verify(store, keyring, silent) == []
            done["verifications"] += 1
            await asyncio.sleep(0.01)  # the moment in which a rebuild can begin
        stop.set()
    assert done["writes"] > 0


def silent(_done: int, _total: int) -> None:
    """Progress that nobody looks at."""
