"""Three PostgreSQL servers under Patroni on this machine, with proxies where a network can be cut.

Patroni is a package of the tests, and keeps its agreements in Debian's etcd. Where that is not
installed, `missing` says so.
"""

import asyncio
import base64
import shutil
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from typing import Any

import asyncpg
import httpx
import yaml  # type: ignore[import-untyped]  # it has no types

from support.clusters import ROLE, own_cluster
from support.patience import patient
from support.patroni_node import PROGRAM, SCOPE, TTL_S, Node, run
from support.proxy import Proxy, proxy
from support.service_process import free_port

NODES = 3
STARTS_S = 90.0
SYNCHRONOUS_S = 60.0
ASKED_S = 1.0
_UNANSWERED = (
    OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError
)  # fmt: skip


def missing() -> str | None:
    """What keeps a cluster from running here, and what to do about it; None if nothing does."""
    if not PROGRAM.exists():
        return "patroni is not installed: `uv sync` installs it"
    if shutil.which("etcd") is None:
        return "etcd is not installed: `apt-get install etcd-server` does so"
    return None


class Patroni:
    """A cluster of three; one of them is the leader."""

    def __init__(self, nodes: Sequence[Node], etcd: str) -> None:
        """Use `patroni`."""
        self.nodes = nodes
        self._etcd = httpx.AsyncClient(base_url=etcd, timeout=patient(10.0))

    @property
    def url(self) -> str:
        """All nodes, as the owner of everything."""
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return f"postgresql://{ROLE}@{hosts}/postgres"

    async def leader(self) -> Node:
        """The node that holds the leader's key; waits until one does."""
        deadline = time.monotonic() + patient(SYNCHRONOUS_S)
        while (found := (await self._value("leader")).decode()) == "":
            assert time.monotonic() < deadline, self.logs()
            await asyncio.sleep(0.1)
        return next(node for node in self.nodes if node.name == found)

    async def synchronous(self) -> tuple[Node, Node]:
        """The leader, and the standby that has all it acknowledges.

        Waits until there is one, and the other standby streams, too: with one lost, the cluster can
        lose no second one.
        """
        deadline = time.monotonic() + patient(STARTS_S)
        while True:
            for node in self.nodes:
                node.start_again()
            found = yaml.safe_load((await self._value("sync")) or b"{}")
            named = {node.name: node for node in self.nodes}
            leader, standby = named.get(found.get("leader")), named.get(found.get("sync_standby"))
            if leader and standby and await _streams(leader, standby, len(self.nodes) - 1):
                return leader, standby
            assert time.monotonic() < deadline, self.logs()
            await asyncio.sleep(0.1)

    async def switch_over(self) -> None:
        """Ask Patroni to let the synchronous standby take over, in an orderly way."""
        leader, standby = await self.synchronous()
        asked = {"leader": leader.name, "candidate": standby.name}
        async with httpx.AsyncClient(timeout=patient(60.0)) as client:
            answer = await client.post(f"http://127.0.0.1:{leader.rest}/switchover", json=asked)
        assert answer.status_code == 200, answer.text

    async def expire(self) -> None:
        """Let the leader's key expire now, as if its time were over."""
        found = await self._ask("kv/range", key=_coded("leader"))
        for each in found.get("kvs", []):
            await self._ask("lease/revoke", ID=each["lease"])

    async def written(self, node: Node) -> int:
        """The timeline that a leader writes; waits until it says so."""
        deadline = time.monotonic() + patient(SYNCHRONOUS_S)
        while not (found := await timeline(node)):
            assert time.monotonic() < deadline, self.logs()
        return found

    async def promoted(self, above: int) -> Node:
        """The node that writes a timeline above one; waits until there is one."""
        deadline = time.monotonic() + patient(SYNCHRONOUS_S + TTL_S)
        while True:
            for node in self.nodes:
                if await timeline(node) > above:
                    return node
            assert time.monotonic() < deadline, self.logs()
            await asyncio.sleep(0.05)

    def logs(self) -> str:
        """The ends of what all Patronis said."""
        return "\n".join(f"--- {node.name}\n{node.log[-3000:]}" for node in self.nodes)

    async def close(self) -> None:
        """Forget etcd."""
        await self._etcd.aclose()

    async def _value(self, name: str) -> bytes:
        with suppress(httpx.TransportError):
            found = await self._ask("kv/range", key=_coded(name))
            return base64.b64decode(found["kvs"][0]["value"]) if found.get("kvs") else b""
        return b""

    async def _ask(self, what: str, **asked: str) -> dict[str, Any]:
        answer = await self._etcd.post(f"/v3/{what}", json=asked)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def _coded(name: str) -> str:
    return base64.b64encode(f"/service/{SCOPE}/{name}".encode()).decode()


async def timeline(node: Node) -> int:
    """The timeline that a node writes; 0 if it writes none, or does not say so at once."""
    found: Any = await _value_at(node, """
        SELECT CASE WHEN NOT pg_is_in_recovery()
                    THEN ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer
               END""")  # fmt: skip
    return found or 0


async def _streams(leader: Node, standby: Node, standbys: int) -> bool:
    asked = f"""
        SELECT count(*) = {standbys}
               AND bool_or(application_name = '{standby.name}' AND sync_state = 'sync')
          FROM pg_stat_replication
         WHERE state = 'streaming'"""
    return bool(await _value_at(leader, asked))


async def _value_at(node: Node, statement: str) -> object:
    with suppress(*_UNANSWERED):
        connection = await asyncpg.connect(node.url, timeout=ASKED_S)
        try:
            return await connection.fetchval(statement, timeout=ASKED_S)
        finally:
            connection.terminate()
    return None


@asynccontextmanager
async def patroni() -> AsyncIterator[Patroni]:
    """A cluster that has a synchronous standby, for as long as the block lasts."""
    with own_cluster() as cluster, ExitStack() as ends:
        async with AsyncExitStack() as stack:
            client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
            etcd = run(
                cluster, cluster.folder / "etcd.log",
                "etcd", f"--data-dir={cluster.folder}/etcd", f"--listen-client-urls={client}",
                f"--advertise-client-urls={client}", f"--listen-peer-urls={peer}",
                f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=default={peer}",
            )  # fmt: skip
            ends.callback(etcd.wait)
            ends.callback(etcd.kill)
            nodes = []
            for number in range(NODES):
                proxies: list[Proxy] = []
                node = Node(f"node{number}", cluster, proxies)
                ports = {name: free_port() for name in ("server", "rest", "etcd")}
                there = (node.url, f"http://127.0.0.1:{node.rest}", client)
                for url, port in zip(there, ports.values(), strict=True):
                    proxies.append(await stack.enter_async_context(proxy(url, port)))
                node.configure(ports)
                node.start()
                ends.callback(node.end)
                nodes.append(node)
            made = Patroni(nodes, client)
            stack.push_async_callback(made.close)
            await made.synchronous()
            yield made
