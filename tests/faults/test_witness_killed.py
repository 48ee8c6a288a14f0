"""A witness that is killed: whatever it has cosigned, it knows afterwards."""

import os
import random
import sqlite3
import threading
import time
from pathlib import Path

import httpx
import pytest
from support.patience import patient
from support.signed_log import SignedLog
from support.witness_process import WitnessProcess

from app.proof.witness_state import FILE

KILLS = int(os.environ.get("SESSIONARY_FAULT_KILLS", "2"))
LOG = SignedLog([str(number) for number in range(1_000)])
FORK = SignedLog([f"-{number}" for number in range(1_000)])


@pytest.fixture
def process(tmp_path: Path) -> WitnessProcess:
    """A witness that is not started."""
    return WitnessProcess(tmp_path / "state", str(LOG.key))


def test_killed_between_its_memory_and_its_answer_it_goes_on_from_its_memory(
    process: WitnessProcess,
) -> None:
    process.start()
    try:
        assert process.post(LOG.request(0, 7)).status_code == 200
        memory = sqlite3.connect(process.state / FILE)
        asked = threading.Thread(target=ask, args=(process, LOG.request(7, 20)))
        asked.start()
        deadline = time.monotonic() + patient(10.0)
        while memory.execute("SELECT size FROM seen").fetchone()[0] != 20:
            assert time.monotonic() < deadline
        process.kill()
        asked.join()
        memory.close()
        process.start()
        again = process.post(LOG.request(7, 20))
        assert (again.status_code, again.text) == (409, "20\n")
        assert process.post(FORK.request(20, 20)).status_code == 422
        assert process.post(LOG.request(20, 20)).status_code == 200
    finally:
        process.kill()


def ask(process: WitnessProcess, body: bytes) -> httpx.Response | None:
    try:
        return process.post(body)
    except httpx.HTTPError:
        return None


def test_killed_at_any_moment_it_never_goes_back(process: WitnessProcess) -> None:
    cosigned = known = 0
    for kill in range(KILLS):
        process.start()
        asked = ask(process, LOG.request(0, 1))
        assert asked is not None
        known = int(asked.text) if asked.status_code == 409 else 1
        assert known >= cosigned, f"after kill {kill}"
        assert process.post(FORK.request(known, known)).status_code == 422
        killer = threading.Timer(random.uniform(0.02, 0.5), process.kill)
        killer.start()
        while (answer := ask(process, LOG.request(known, known + 1))) is not None:
            assert answer.status_code == 200, answer.text
            cosigned = known = known + 1
        killer.join()
    process.start()
    try:
        answer = process.post(LOG.request(0, 1))
        assert (answer.status_code, int(answer.text) - cosigned) in {(409, 0), (409, 1)}
        assert process.post(FORK.request(int(answer.text), 999)).status_code == 422
    finally:
        process.kill()
