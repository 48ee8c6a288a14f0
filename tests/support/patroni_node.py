"""A server under Patroni: what can be done to it, and what stands between it and the others."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil
import yaml  # type: ignore[import-untyped]  # it has no types

from support.clusters import ROLE, OwnCluster
from support.proxy import Proxy
from support.service_process import free_port

PROGRAM = Path(sys.executable).with_name("patroni")
SCOPE = "sessionary"
TTL_S = 20
"""Patroni takes a leader for lost after this: the least that it accepts."""
_DYNAMIC = {
    "ttl": TTL_S,
    "loop_wait": 1,
    "retry_timeout": 9,  # as long as it may be: on a busy machine, etcd takes its time
    "synchronous_mode": True,
    # A server that was killed is not started again in its place: the standby takes over.
    "primary_start_timeout": 0,
    "postgresql": {
        "use_pg_rewind": True,
        # A server that was killed while it was rewound is copied anew.
        "remove_data_directory_on_rewind_failure": True,
        "remove_data_directory_on_diverged_timelines": True,
        "parameters": {
            "shared_buffers": "16MB",
            "max_connections": 100,
            "wal_keep_size": "256MB",
            "max_wal_size": "256MB",
        },
    },
}


class Node:
    """A server, its Patroni, and what stands between them and the others."""

    def __init__(self, name: str, cluster: OwnCluster, proxies: Sequence[Proxy]) -> None:
        """Nothing is started."""
        self.name = name
        self.port, self.rest = free_port(), free_port()
        self.files = cluster.folder / name
        self._cluster = cluster
        self._log = cluster.folder / f"{name}.log"
        self._patroni: subprocess.Popen[bytes] | None = None
        self.proxies = proxies

    @property
    def url(self) -> str:
        """Its server, past all proxies."""
        return f"postgresql://{ROLE}@127.0.0.1:{self.port}/postgres"

    @property
    def log(self) -> str:
        """What its Patroni said."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def configure(self, ports: Mapping[str, int]) -> None:
        """Write its file; `ports`: of its proxies."""
        folder, at = self._cluster.folder, "127.0.0.1:{}".format
        user = {"username": ROLE, "password": ROLE}
        told = {
            "scope": SCOPE,
            "name": self.name,
            "restapi": {"listen": at(self.rest), "connect_address": at(ports["rest"])},
            # (Else it would ask etcd for its own address, and pass the proxy by.)
            "etcd3": {"hosts": at(ports["etcd"]), "use_proxies": True},
            "bootstrap": {"dcs": _DYNAMIC, "initdb": [{"encoding": "UTF8"}, {"locale": "C"}]},
            "postgresql": {
                "listen": at(self.port),
                "connect_address": at(ports["server"]),
                "data_dir": str(self.files),
                "bin_dir": str(self._cluster.embedded.programs),
                "pgpass": str(folder / f"{self.name}.pass"),
                "basebackup": [{"checkpoint": "fast"}],
                "authentication": {"superuser": user, "replication": user, "rewind": user},
                "parameters": {"unix_socket_directories": str(folder)},
                "pg_hba": ["local all all trust", "host all,replication all 127.0.0.1/32 trust"],
            },
        }
        (folder / f"{self.name}.yml").write_text(yaml.safe_dump(told))

    def start(self) -> None:
        """Start its Patroni, which starts the server."""
        file = self._cluster.folder / f"{self.name}.yml"
        self._patroni = run(self._cluster, self._log, sys.executable, str(PROGRAM), str(file))

    def start_again(self) -> None:
        """Start a Patroni that has ended by itself, as a machine's init does."""
        if self._patroni is not None and self._patroni.poll() not in (None, -signal.SIGKILL):
            self.start()

    def kill_patroni(self) -> None:
        """Kill -9 of Patroni alone: the server runs on."""
        assert self._patroni is not None, "start() comes first"
        self._patroni.kill()
        self._patroni.wait()

    def kill_server(self) -> None:
        """Kill -9 of all processes of the server."""
        tell(self._servers(), signal.SIGKILL)

    def freeze(self) -> None:
        """Let all its processes stand still."""
        assert self._patroni is not None, "start() comes first"
        tell([self._patroni.pid, *self._servers()], signal.SIGSTOP)

    def freeze_server(self) -> None:
        """Let all processes of the server stand still, and Patroni not."""
        tell(self._servers(), signal.SIGSTOP)

    def go_on(self) -> None:
        """Let all go on that stand still, or are cut off."""
        tell([*([self._patroni.pid] if self._patroni else []), *self._servers()], signal.SIGCONT)
        for each in self.proxies:
            each.speak_again()

    def cut_off(self) -> None:
        """Let nothing pass between it and the other nodes, or etcd; clients still reach it."""
        for each in self.proxies:
            each.fall_silent()

    def end(self) -> None:
        """Leave nothing running."""
        if self._patroni is not None:
            self.kill_patroni()
        tell(self._servers(), signal.SIGKILL)

    def _servers(self) -> list[int]:
        files = str(self.files)
        return [each.pid for each in psutil.process_iter(["cwd"]) if each.info["cwd"] == files]


def tell(pids: Sequence[int], what: signal.Signals) -> None:
    """Send a signal to processes, those that have ended meanwhile excepted."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, what)


def run(cluster: OwnCluster, log: Path, *command: str) -> subprocess.Popen[bytes]:
    """Start a program by the account that may run PostgreSQL."""
    with log.open("ab") as said:
        return subprocess.Popen(
            [*_as_owner(cluster), *command],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            cwd=cluster.folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC",
                 "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip


def _as_owner(cluster: OwnCluster) -> list[str]:
    """What root writes before a command: root may not run PostgreSQL.

    The other account reads all files, as root does: Python may lie in root's own folder.
    """
    if os.geteuid() != 0:
        return []
    owner = cluster.embedded
    reads = [f"--{which}-caps=+dac_override" for which in ("inh", "ambient")]
    return ["setpriv", f"--reuid={owner.owner}", f"--regid={owner.group}", "--clear-groups", *reads]
