"""Kill -9 of the service and of PostgreSQL under load: nothing acknowledged is lost or doubled.

SESSIONARY_FAULT_KILLS says how often each is killed: a few times in a normal run, some hundred
before a release.
"""

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import kills
from support.load import PATIENCE_S
from support.patience import patient
from support.service_process import ServiceProcess
from support.service_process import service as running_service

KILLS = int(os.environ.get("SESSIONARY_FAULT_KILLS", "2"))
SEED = int(os.environ.get("SESSIONARY_FAULT_SEED", "1"))
BACK_S = 15.0
"""Within this the service must serve again after a kill."""
RECOVERED = "was not properly shut down"


@pytest.fixture(scope="module")
def service() -> Iterator[ServiceProcess]:
    """A service with two workers, on a directory that was empty."""
    with running_service("--workers=2") as started:
        yield started


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all clients of the service keep their ledger."""
    return tmp_path_factory.mktemp("ledger") / "ledger.ndjson"


@pytest.fixture(scope="module")
def moments() -> random.Random:
    """When to kill."""
    return random.Random(SEED)  # a repeatable sequence is what is wanted


def report(name: str, run: kills.Run, show: pytest.CaptureFixture[str]) -> None:
    """Say the numbers of a run, for a person who runs many kills."""
    work = run.work
    with show.disabled():
        sys.stdout.write(
            f"\n{len(run.back_s)} kills {name}: {work.acknowledged} acknowledged, "
            f"{work.replayed} of them replayed; back after at most {max(run.back_s):.2f} s; "
            f"slowest answer {work.slowest_s:.2f} s; {dict(work.answers)}\n"
        )


@pytest.mark.parametrize(
    ("kill", "recoveries"),
    [
        (kills.of_the_service, 0),
        (kills.of_the_database, KILLS),
        (kills.of_a_backend, KILLS - KILLS // 2),
    ],
    ids=["service", "database", "backend"],
)
async def test_a_kill_loses_and_doubles_nothing(
    service: ServiceProcess,
    book: Path,
    kill: kills.Kill,
    recoveries: int,
    moments: random.Random,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = service.database_log.count(RECOVERED)
    run = await kills.under_load(service, book, [kill] * KILLS, moments)
    report(kill.__name__, run, capsys)
    assert await kills.owed(service, book, run) == []
    assert service.database_log.count(RECOVERED) == before + recoveries
    assert max(run.paced_s) < BACK_S
    assert not recoveries or run.work.slowest_s < patient(PATIENCE_S)
