"""A process that rebuilds all views by small steps: `python -m support.rebuilder URL JOBS [DIR]`.

DIR is the data directory that has the master key, if it is not the tests' own. The process says
on standard output each sentence for the operator. Without arguments, it begins a rebuild for each
line `URL JOBS DIR` that it reads: for tests of many kills, which would else spend most of their
time on imports.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, redirect_stdout, suppress
from pathlib import Path
from signal import SIGKILL

from app.log.keyring import Keyring
from app.maintenance.keys import keyring_of
from app.maintenance.store import DataLocation, connected
from app.rebuild import runs, scan
from app.rebuild.rebuild import Options, named, rebuild
from support.beside import silent
from support.database import MASTER_KEY

PAGE_EVENTS = 20
EVENTS_PER_RANGE = 50
_TESTS = Path(__file__).parents[1]


class Rebuilds:
    """Rebuilds of one service's views, one after another, each in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Use `rebuilds`."""
        self._process = process

    async def killed(self, url: str, jobs: int, data_dir: Path, after_s: float) -> bool:
        """Whether a rebuild was killed so long after its start, and not done before."""
        commands, said = self._process.stdin, self._process.stdout
        assert commands is not None
        assert said is not None
        commands.write(f"{url} {jobs} {data_dir}\n".encode())
        pid = int(await said.readline())
        ended = asyncio.ensure_future(said.readline())
        _, running = await asyncio.wait([ended], timeout=after_s)
        if running:
            with suppress(ProcessLookupError):  # it has ended just now
                os.kill(pid, SIGKILL)
        return int(await ended) == -SIGKILL


@asynccontextmanager
async def rebuilds() -> AsyncIterator[Rebuilds]:
    """Rebuilds whose imports are done, for as long as the block lasts."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "support.rebuilder", cwd=_TESTS,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Rebuilds(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()  # it ends with its input
        await process.wait()


async def _main(url: str, jobs: int, data_dir: str = "") -> None:
    scan.PAGE_EVENTS, runs.EVENTS_PER_RANGE = PAGE_EVENTS, EVENTS_PER_RANGE
    async with connected(url) as store:
        keyring = Keyring(MASTER_KEY)
        if data_dir:
            where = DataLocation(database_url=None, data_dir=Path(data_dir))
            keyring = await keyring_of(store, where)
        options = Options(jobs=jobs, tell=lambda said: print(said, flush=True))  # noqa: T201
        await rebuild(store, keyring, named(()), silent, options)


def _begin_each() -> None:
    """Fork a rebuild for each line, say its process id, and how it ended."""
    for line in sys.stdin:
        url, jobs, data_dir = line.split()
        pid = os.fork()
        if pid == 0:
            with open(os.devnull, "w") as unread, redirect_stdout(unread):
                asyncio.run(_main(url, int(jobs), data_dir))
            os._exit(0)
        print(pid, flush=True)  # noqa: T201
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)  # noqa: T201


if __name__ == "__main__":
    if len(sys.argv) == 1:
        _begin_each()
    else:
        asyncio.run(_main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:]))
