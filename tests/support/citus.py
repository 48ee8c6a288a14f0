"""The nodes of a Citus, which TEST_CITUS_URL names by its coordinator."""

import os
import shlex
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import psutil
import pytest
from msgspec import Struct

NONE = "TEST_CITUS_URL names no coordinator: no package registry has Citus"
URL = os.environ.get("TEST_CITUS_URL", "")
needed = pytest.mark.skipif(not URL, reason=NONE)


def at(url: str, host: str, port: int) -> str:
    """The same database on another node."""
    login, mark, _ = urlsplit(url).netloc.rpartition("@")
    return urlunsplit(urlsplit(url)._replace(netloc=f"{login}{mark}{host}:{port}"))


async def nodes(url: str = URL) -> Sequence[str]:
    """The URLs of a database on all nodes, the coordinator's first; of another server, its own."""
    if not URL or urlsplit(url).netloc != urlsplit(URL).netloc:
        return [url]
    rows = await asked(URL, "SELECT nodename, nodeport FROM pg_dist_node WHERE groupid > 0")
    return [url, *(at(url, row["nodename"], row["nodeport"]) for row in rows)]


async def asked(url: str, sql: str, *arguments: object) -> Sequence[asyncpg.Record]:
    """The rows of one statement, on a connection of its own."""
    connection = await asyncpg.connect(url)
    try:
        rows: Sequence[asyncpg.Record] = await connection.fetch(sql, *arguments)
        return rows
    finally:
        await connection.close()


async def join(url: str) -> None:
    """Make a new database one of Citus, on all nodes."""
    coordinator, *workers = await nodes(url)
    for each in (coordinator, *workers):
        await asked(each, "CREATE EXTENSION citus")
    parts = urlsplit(coordinator)
    await asked(url, "SELECT citus_set_coordinator_host($1, $2)", parts.hostname, parts.port)
    for each in workers:
        parts = urlsplit(each)
        await asked(url, "SELECT citus_add_node($1, $2)", parts.hostname, parts.port)


class Node(Struct, frozen=True):
    """A node whose processes run on this machine."""

    files: Path
    """Its data directory."""
    programs: Path
    """The folder of PostgreSQL's."""

    def processes(self) -> list[psutil.Process]:
        """All of its server."""
        return [
            process
            for process in psutil.process_iter(["name", "cwd"])
            if process.info["name"] == "postgres" and process.info["cwd"] == str(self.files)
        ]

    def kill(self) -> None:
        """End all its processes at once, as a power cut does."""
        doomed = self.processes()
        for process in doomed:
            with suppress(psutil.NoSuchProcess):  # it has ended by itself meanwhile
                process.kill()
        psutil.wait_procs(doomed)

    def start(self) -> None:
        """Start it again with the options of its last start, and return when it takes logins."""
        owner = self.files.stat()
        _program, *options = shlex.split((self.files / "postmaster.opts").read_text())
        log = str(self.files.with_suffix(".log"))
        subprocess.run(  # PostgreSQL's own program
            [self.programs / "pg_ctl", "start", "-w", "-D", self.files, "-l", log,
             "-o", shlex.join(_without_place(options))],
            check=True, stdout=subprocess.DEVNULL, cwd="/", env={"LC_ALL": "C", "TZ": "UTC"},
            user=owner.st_uid, group=owner.st_gid, extra_groups=[],
        )  # fmt: skip


async def worker_here() -> Node:
    """A worker of Citus whose processes run on this machine; skips the test if none does."""
    for url in (await nodes())[1:]:
        ((files, programs),) = await asked(
            url,
            "SELECT current_setting('data_directory'),"
            " (SELECT setting FROM pg_config WHERE name = 'BINDIR')",
        )
        node = Node(Path(files), Path(programs))
        if node.processes():
            return node
    pytest.skip("No worker of TEST_CITUS_URL runs on this machine")


def _without_place(options: Sequence[str]) -> Sequence[str]:
    """The options of a server's start without the one that `pg_ctl` adds."""
    at = options.index("-D") if "-D" in options else len(options)
    return [*options[:at], *options[at + 2 :]]
