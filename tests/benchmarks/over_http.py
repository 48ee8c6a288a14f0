"""POST, PATCH and GET over HTTP at 64 connections, ours against three peers on the same server."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import httpx
from msgspec import Struct

from .credentials import AUTHORIZATION
from .load import CONNECTIONS, load
from .measure import BenchmarkFailed, Done, Pace, Runs, Sample, interleaved, timed
from .report import Comparison, table
from .services import Service, bare, declarative, plain, sessionary
from .session_dto import ACCOUNT_ID
from .stage import Stage

SESSIONS = 1_000
"""Prepared in each service; PATCH and GET go round them."""
WARM_UP_S = 1
_AT_LEAST = {
    "POST": (0.8, 2.0, 0.25),
    "PATCH": (0.7, 2.5, 0.18),
    "GET": (1.0, 2.0, 0.31),
}
"""Against the declarative peer, the plain service and the bare handler."""
_PEERS = (
    (declarative, "a declarative handler in memory"),
    (plain, "a plain service, history by trigger"),
    (bare, "a bare handler of the same server"),
)


class Contender(Struct, frozen=True):
    """A service that holds sessions, and the file of their ids."""

    service: Service
    ids_file: Path


def run(stage: Stage, pace: Pace) -> str:
    """Measure, and tell in a Markdown table."""
    with ExitStack() as running:
        contenders = {
            kind.__name__: prepared(running.enter_context(kind(stage)), stage.folder)
            for kind in (sessionary, *(peer for peer, _ in _PEERS))
        }
        runs = {method: _method(stage, contenders, method, pace) for method in _AT_LEAST}
    title = f"HTTP at {CONNECTIONS} connections, one worker, requests"
    return table(title, [row for column in range(len(_PEERS)) for row in _against(column, runs)])


def _against(column: int, runs: dict[str, Runs]) -> list[Comparison]:
    peer, name = _PEERS[column]
    return [
        Comparison(
            f"{method} against {name}",
            at_least[column],
            runs[method]["sessionary"],
            runs[method][peer.__name__],
        )
        for method, at_least in _AT_LEAST.items()
    ]


def _method(stage: Stage, contenders: dict[str, Contender], method: str, pace: Pace) -> Runs:
    for contender in contenders.values():
        load(contender.service.base_url, method, contender.ids_file, WARM_UP_S)
    cells: dict[str, Callable[[], Sample]] = {
        name: partial(measured, contender, method, pace.seconds, stage.postmaster)
        for name, contender in contenders.items()
    }
    return interleaved(cells, pace.rounds)


def measured(
    contender: Contender, method: str, seconds: float, postmaster: int, format_: str = "json"
) -> Sample:
    """Load a service once, and check that it wrote what it acknowledged."""
    service = contender.service
    time.sleep(0.1)  # what was in flight when the load before ended
    before = _written(service)
    acknowledged = 0

    def work() -> Done:
        nonlocal acknowledged
        seen = load(service.base_url, method, contender.ids_file, seconds, format_)
        acknowledged = seen.requests
        return Done(seen.requests, seen.duration_us / 1e6)

    sample = timed(work, [service.pid, postmaster])
    if service.written is not None:
        _check_written(method, _written(service) - before, acknowledged)
    return sample


def _written(service: Service) -> int:
    return 0 if service.written is None else service.written()


def _check_written(method: str, grown: int, acknowledged: int) -> None:
    # wrk goes without waiting for what it sent last.
    least, most = (0, 0) if method == "GET" else (acknowledged, acknowledged + CONNECTIONS)
    if not least <= grown <= most:
        raise BenchmarkFailed(
            f"{method}: {acknowledged} requests were acknowledged and {grown} events written"
        )


def prepared(service: Service, folder: Path) -> Contender:
    """A service with sessions to change and to read."""
    ids = asyncio.run(_create_sessions(service.base_url))
    ids_file = folder / f"ids-{service.pid}"
    ids_file.write_text("".join(f"{session}\n" for session in ids))
    return Contender(service, ids_file)


async def _create_sessions(base_url: str) -> Sequence[str]:
    at_once = asyncio.Semaphore(CONNECTIONS)
    headers = {"Authorization": AUTHORIZATION}
    async with httpx.AsyncClient(base_url=base_url, headers=headers, timeout=30) as client:

        async def create(number: int) -> str:
            body = {"accountId": ACCOUNT_ID, "purpose": f"Follow up on invoice {number}"}
            async with at_once:
                answer = await client.post("/ai/sessions", json=body)
            created: str = answer.raise_for_status().json()["id"]
            return created

        return await asyncio.gather(*map(create, range(SESSIONS)))
