"""PostgreSQL clusters of a test's own: for what concerns a whole server, or two of them."""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

import psutil
from msgspec import Struct
from msgspec.structs import replace

from app.database.embedded_cluster import Cluster
from support.database import MEMORY

PORT = "5432"
ROLE = "postgres"


class OwnCluster(Struct, frozen=True):
    """A cluster in a folder, run by the account that runs the embedded one."""

    folder: Path
    embedded: Cluster

    @property
    def files(self) -> Path:
        """The data directory."""
        return self.folder / "files"

    def url(self, database: str = "postgres", user: str = ROLE) -> str:
        """Of one of its databases."""
        return f"postgresql://{user}@/{database}?host={quote(str(self.folder))}&port={PORT}"

    def create(self) -> None:
        """Make an empty one: UTF8, in the locale C, everybody who gets at the socket is let in."""
        self.run("initdb", "--locale=C", "--encoding=UTF8", f"--username={ROLE}", "--auth=trust",
                 "--no-sync", "-D", str(self.files))  # fmt: skip

    def copy_of(self, other: "OwnCluster") -> None:
        """Make it a hot standby of another."""
        self.run("pg_basebackup", "-h", str(other.folder), "-p", PORT, "-U", ROLE, "-R",
                 "--checkpoint=fast", "--no-sync", "-D", str(self.files))  # fmt: skip

    @contextmanager
    def started(self, environment: Mapping[str, str] | None = None) -> Iterator[None]:
        """Running for as long as the block lasts; all that it needs is in memory."""
        options = f"-c listen_addresses= -c port={PORT} -c unix_socket_directories={self.folder}"
        options += " -c fsync=off -c shared_buffers=16MB"
        start = ("start", "-w", "-t", "120", "-D", str(self.files), "-l", str(self.folder / "log"))
        self.run("pg_ctl", *start, "-o", options, environment=environment)
        try:
            yield
        finally:
            self.run("pg_ctl", "stop", "-m", "immediate", "-D", str(self.files))

    def processes(self) -> list[int]:
        """The numbers of its processes."""
        return [
            process.pid
            for process in psutil.process_iter(["cwd"])
            if process.info["cwd"] == str(self.files)
        ]

    def say(self, statement: str) -> None:
        """Run a statement as the owner of everything."""
        self.run("psql", "-X", "-q", "-d", self.url(), "-c", statement)

    def run(
        self, program: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> str:
        """Run one of PostgreSQL's programs as the cluster's account; what it said."""
        ended = self.tried(program, *arguments, environment=environment)
        assert ended.returncode == 0, ended.stdout
        return ended.stdout

    def tried(
        self, program: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """As `run`, however it ends."""
        as_root = os.geteuid() == 0
        with tempfile.TemporaryFile("w+") as said:  # a pipe would stay open as long as the server
            ended = subprocess.run(  # PostgreSQL's programs, our arguments
                [str(self.embedded.programs / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                check=False,
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"}
                | dict(environment or {}),
                user=self.embedded.owner if as_root else None,
                group=self.embedded.group if as_root else None,
                extra_groups=[] if as_root else None,
            )
            said.seek(0)
            return subprocess.CompletedProcess(ended.args, ended.returncode, said.read())


@contextmanager
def own_cluster(programs: Path | None = None) -> Iterator[OwnCluster]:
    """A cluster whose files are not made yet; they go with the block.

    `programs`: the folder of PostgreSQL's, else those of the embedded one.
    """
    with ExitStack() as stack:
        memory = MEMORY if MEMORY.is_dir() else None
        made = stack.enter_context(tempfile.TemporaryDirectory(prefix="sessionary-pg-", dir=memory))
        folder = Path(made).resolve()
        embedded = Cluster.at(folder / "programs")
        os.chown(folder, embedded.owner, embedded.group)
        yield OwnCluster(folder, replace(embedded, programs=programs or embedded.programs))
