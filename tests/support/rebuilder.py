"""A process that rebuilds all views by small steps: `python -m support.rebuilder URL JOBS [DIR]`.

DIR is the data directory that has the master key, if it is not the tests' own. The process says
on standard output each sentence for the operator.
"""

import asyncio
import sys
from pathlib import Path

from app.log.keyring import Keyring
from app.maintenance.keys import keyring_of
from app.maintenance.store import DataLocation, connected
from app.rebuild import runs, scan
from app.rebuild.rebuild import Options, named, rebuild
from support.beside import silent
from support.database import MASTER_KEY

PAGE_EVENTS = 20
EVENTS_PER_RANGE = 50


async def _main(url: str, jobs: int, data_dir: str = "") -> None:
    scan.PAGE_EVENTS, runs.EVENTS_PER_RANGE = PAGE_EVENTS, EVENTS_PER_RANGE
    async with connected(url) as store:
        keyring = Keyring(MASTER_KEY)
        if data_dir:
            where = DataLocation(database_url=None, data_dir=Path(data_dir))
            keyring = await keyring_of(store, where)
        options = Options(jobs=jobs, tell=lambda said: print(said, flush=True))  # noqa: T201
        await rebuild(store, keyring, named(()), silent, options)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:]))
