"""pgbouncer in transaction mode between a service and the suite's server, where it is installed."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit, urlunsplit

import asyncpg
from msgspec import Struct
from msgspec.structs import replace

from app.database.session import SESSION
from app.settings import SERVICE_ROLE, Settings
from support.database import SERVICE_PASSWORD, service_url
from support.patience import patient
from support.service_process import free_port

PLACES = 3
"""Connections to each database: fewer than a worker's, so that they change hands."""
_BEGINS_S = 10.0
_RULE = f"local all {SERVICE_ROLE} scram-sha-256\n"


class Pooler(Struct, frozen=True):
    """A pgbouncer that runs."""

    port: int

    async def settings(self, settings: Settings, owner: asyncpg.Connection) -> Settings:
        """Those of a service behind it, as the page on the database says; sets what it asks for."""
        name = await owner.fetchval("SELECT current_database()")
        wanted = SESSION | {"statement_timeout": f"{settings.list_deadline_s:.0f}s"}
        for setting, value in wanted.items():
            await owner.execute(
                f"ALTER ROLE {SERVICE_ROLE} IN DATABASE \"{name}\" SET {setting} = '{value}'"
            )
        parts = urlsplit(service_url(settings.database_url))
        login = parts.netloc.rpartition("@")[0]
        url = urlunsplit(("postgresql", f"{login}@127.0.0.1:{self.port}", f"/{name}", "", ""))
        return replace(settings, database_url=url, statement_cache=0, database_role=None)


def program() -> str | None:
    """pgbouncer; None where it is not installed."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def pgbouncer(server_url: str, hba_file: Path | None) -> Iterator[Pooler]:
    """A pooler before a server; `hba_file`: of one that lets in only the tests' own account."""
    found = program()
    assert found is not None, "pgbouncer is not installed"
    port = free_port()
    with tempfile.TemporaryDirectory() as name, _admitted(hba_file):
        folder = Path(name)
        _configure(folder, server_url, port)
        account = _account(hba_file)
        for each in (folder, *folder.iterdir()):
            shutil.chown(each, account)
        command = [found, "-q", *(["-u", account] if os.geteuid() == 0 else [])]
        process = subprocess.Popen([*command, str(folder / "pgbouncer.ini")])  # our own file
        try:
            _await(process, folder / "pid")
            yield Pooler(port)
        finally:
            process.terminate()
            process.wait()


def _configure(folder: Path, server_url: str, port: int) -> None:
    parts = urlsplit(server_url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    host = query.get("host") or parts.hostname or "127.0.0.1"
    server_port = query.get("port") or parts.port or 5432
    (folder / "users").write_text(f'"{SERVICE_ROLE}" "{SERVICE_PASSWORD}"\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={host} port={server_port}\n"
        "[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = scram-sha-256\nauth_file = {folder}/users\npidfile = {folder}/pid\n"
        f"pool_mode = transaction\ndefault_pool_size = {PLACES}\nmax_client_conn = 1000\n"
        "server_login_retry = 1\nserver_idle_timeout = 2\nlog_connections = 0\n"
        "log_disconnections = 0\n"
    )


def _account(hba_file: Path | None) -> str:
    """Who runs it: root may not, and the server's folder may be closed to others."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name
    return "nobody" if hba_file is None else hba_file.owner()


@contextmanager
def _admitted(hba_file: Path | None) -> Iterator[None]:
    """The service's login comes in by its password; needs a reload of the server."""
    if hba_file is None:
        yield
        return
    rules = hba_file.read_text()
    hba_file.write_text(_RULE + rules)
    try:
        yield
    finally:
        hba_file.write_text(rules)


def _await(process: subprocess.Popen[bytes], pid_file: Path) -> None:
    deadline = time.monotonic() + patient(_BEGINS_S)
    while not pid_file.exists():
        assert process.poll() is None, "pgbouncer ended"
        assert time.monotonic() < deadline, "pgbouncer does not begin"
        time.sleep(0.02)
