"""A process that rebuilds all views by small steps: `python -m support.rebuilder URL JOBS`.

It says on standard output each sentence for the operator.
"""

import asyncio
import sys

from app.log.keyring import Keyring
from app.maintenance.store import connected
from app.rebuild import runs, scan
from app.rebuild.rebuild import Options, named, rebuild
from support.beside import silent
from support.database import MASTER_KEY

PAGE_EVENTS = 20
EVENTS_PER_RANGE = 50


async def _main(url: str, jobs: int) -> None:
    scan.PAGE_EVENTS, runs.EVENTS_PER_RANGE = PAGE_EVENTS, EVENTS_PER_RANGE
    async with connected(url) as store:
        options = Options(jobs=jobs, tell=lambda said: print(said, flush=True))  # noqa: T201
        await rebuild(store, Keyring(MASTER_KEY), named(()), silent, options)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2])))
