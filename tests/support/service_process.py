"""`sessionary serve` as a process of its own: started, killed, asked to stop."""

import atexit
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path

import psutil

from app.database.embedded import service_url
from app.database.embedded_cluster import Cluster
from support import database
from support.database import folder_of_databases
from support.distributed import distributed_log
from support.patience import patient

ADMIN = ("admin", "correct horse battery staple")
STARTS_S = 60.0
STOPS_S = 30.0
PROGRAM = str(Path(sys.executable).with_name("sessionary"))


class ServiceProcess:
    """A service on a data directory (or a given database), under one port for all its lives."""

    def __init__(
        self,
        data_dir: Path,
        *options: str,
        password: str | None = ADMIN[1],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Nothing is started; `options` are those of `sessionary serve`."""
        self.environment = dict(environment or {})
        self.data_dir = data_dir
        self.port = free_port()
        self._options = options
        self._trusted = self._option("--tls-cert")
        self.base_url = f"{'https' if self._trusted else 'http'}://127.0.0.1:{self.port}"
        self._password = {} if password is None else {"SESSIONARY_ADMIN_PASSWORD": password}
        self._log = data_dir.parent / f"{data_dir.name}-{self.port}.log"
        self._data = data_dir.parent / f"{data_dir.name}-{self.port}.out"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The main process of the present or last life."""
        assert self._process is not None, "start() comes first"
        return self._process

    @property
    def has_begun(self) -> bool:
        """Whether it was ever started."""
        return self._process is not None

    @property
    def log(self) -> str:
        """What the service said, in all its lives."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    @property
    def data(self) -> str:
        """What the service printed on stdout, in all its lives."""
        return self._data.read_text()

    def start(self) -> None:
        """Start, and return when commands are served."""
        self.begin()
        self.wait_until_ready()

    def begin(self, preexec_fn: Callable[[], object] | None = None) -> None:
        """Start, and return at once; `preexec_fn` is called in the process before it starts."""
        with self._log.open("ab") as log, self._data.open("ab") as data:
            self._process = subprocess.Popen(  # our own program
                [
                    PROGRAM,
                    "serve",
                    f"--data-dir={self.data_dir}",
                    f"--port={self.port}",
                    "--drain-delay=0",
                    *self._options,
                ],
                env=clean_environment() | self._password | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=data,
                stderr=log,
                preexec_fn=preexec_fn,  # no thread of ours is in its way
            )

    def wait_until_ready(self) -> None:
        """Return when `/health/ready` is green; a service that ends before that is a failure."""
        deadline = time.monotonic() + patient(STARTS_S)
        while not self.is_ready():
            assert self.process.poll() is None, f"The service ended:\n{self.log}"
            assert time.monotonic() < deadline, f"The service does not get ready:\n{self.log}"
            time.sleep(0.05)

    def wait_for_all(self, workers: int) -> None:
        """Return when each of so many workers has answered: what it says does not mean that."""
        deadline, answered = time.monotonic() + patient(STARTS_S), set[str]()
        while len(answered) < workers:
            assert time.monotonic() < deadline, f"Not all workers answer:\n{self.log}"
            asked = HTTPConnection("127.0.0.1", self.port, timeout=patient(5.0))
            asked.request("GET", "/health/ready")
            request_id = asked.getresponse().getheader("x-request-id", "")
            answered.add(request_id.partition("-")[0])  # a worker's own
            asked.close()

    def is_ready(self) -> bool:
        """Whether `/health/ready` is green."""
        # Not httpx: it would read all certificates for each call, while the service wants the core.
        asked = HTTPConnection("127.0.0.1", self.port, timeout=patient(5.0))
        if self._trusted is not None:
            trust = ssl.create_default_context(cafile=self._trusted)
            asked = HTTPSConnection("127.0.0.1", self.port, timeout=patient(5.0), context=trust)
        try:
            asked.request("GET", "/health/ready")
            return asked.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False
        finally:
            asked.close()

    def stop(self) -> int:
        """Ask it to stop, as `docker stop` does; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(patient(STOPS_S))

    def kill(self) -> None:
        """Kill -9 the main process; its workers are left to notice."""
        self.process.kill()
        self.process.wait()

    def workers(self) -> list[psutil.Process]:
        """The processes that serve."""
        found = []
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.NoSuchProcess):  # it was killed meanwhile
                if "multiprocessing.spawn" in " ".join(child.cmdline()):
                    found.append(child)
        return found

    def servers(self) -> list[psutil.Process]:
        """The processes of the embedded PostgreSQL here, the oldest first (numbers begin anew)."""
        files = str(Cluster.at(self.data_dir).files)
        found = [
            process
            for process in psutil.process_iter(["name", "status", "cwd", "create_time"])
            if process.info["name"] == "postgres"
            and process.info["status"] != psutil.STATUS_ZOMBIE
            and process.info["cwd"] == files
        ]
        return sorted(found, key=lambda process: process.info["create_time"])

    def _option(self, name: str) -> str | None:
        return next(
            (each.partition("=")[2] for each in self._options if each.startswith(f"{name}=")), None
        )

    @property
    def database_url(self) -> str:
        """Its database, as the owner: the embedded one, if no option names another."""
        return self._option("--owner-url") or Cluster.at(self.data_dir).url

    @property
    def login_url(self) -> str:
        """Its database, by its own login."""
        return self._option("--database-url") or service_url(self.data_dir)

    @property
    def key_file(self) -> Path:
        """The file of its master key."""
        return Path(self._option("--master-key-file") or self.data_dir / "master.key")

    @property
    def database_log(self) -> str:
        """What the embedded database said."""
        return Cluster.at(self.data_dir).log.read_text(errors="replace")

    def command(
        self, *arguments: str, stdin: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run another subcommand beside the service, on the same data."""
        options = [
            option for option in self._options if option.startswith(("--database", "--owner"))
        ]
        keys = [option for option in self._options if option.startswith("--master-key")]
        return sessionary(
            *arguments, f"--data-dir={self.data_dir}", *options, *keys,
            stdin=stdin, **self.environment, **environment,
        )  # fmt: skip


def sessionary(
    *arguments: str, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the program, and return when it ended; `environment`: further variables."""
    return subprocess.run(  # our own program
        [PROGRAM, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment() | environment,
        timeout=patient(STARTS_S),
    )


@contextmanager
def data_directory() -> Iterator[Path]:
    """A directory for a data directory to be made in; removed at the end."""
    with folder_of_databases() as folder:
        yield folder


def with_log(data_dir: Path) -> Path:
    """Put into a data directory what `migrate` makes, and nothing else; the directory."""
    # As it is, owners too: another account may run PostgreSQL.
    subprocess.run(["cp", "-a", _migrated(), data_dir], check=True)
    return data_dir


@cache
def _migrated() -> Path:
    """A data directory that `migrate` made, to be copied: made once, it costs a start's time."""
    folder = ExitStack()
    data_dir = folder.enter_context(data_directory()) / "data"
    atexit.register(folder.close)
    made = sessionary("migrate", f"--data-dir={data_dir}", f"--partitions={database.PARTITIONS}")
    assert made.returncode == 0, made.stderr
    return data_dir


@contextmanager
def service(
    *options: str,
    password: str | None = ADMIN[1],
    anew: bool = False,
    environment: Mapping[str, str] | None = None,
) -> Iterator[ServiceProcess]:
    """A running service with an empty log, ended with all it started.

    `anew`: on no data directory at all, as a new user starts it; else on Citus if the tests are.
    `environment`: more of it.
    """
    with data_directory() as folder, ExitStack() as stack:
        data_dir = folder / "data"
        if database.DISTRIBUTED and not anew:
            options = (*options, *stack.enter_context(distributed_log(folder, database.PARTITIONS)))
        elif not anew:
            with_log(data_dir)
        served = ServiceProcess(data_dir, *options, password=password, environment=environment)
        try:
            served.start()
            yield served
        finally:
            end(served)


def end(served: ServiceProcess) -> None:
    """Leave nothing running of a service, whatever state a test left it in."""
    if served.process.poll() is None:
        try:
            served.stop()
        except subprocess.TimeoutExpired:
            served.kill()
    for orphan in served.servers():
        orphan.kill()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def no_difference(served: ServiceProcess) -> Sequence[str]:
    """What `sessionary verify` finds, which should be nothing; asserts its exit code."""
    verified = served.command("verify")
    found = verified.stdout.splitlines()
    assert verified.returncode in (0, 1), verified.stderr
    assert (verified.returncode == 0) == (not found), verified.stdout
    return found


def clean_environment() -> dict[str, str]:
    """Ours without what a person set for the service."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SESSIONARY_")}
