"""The serving process: where it listens, what it says, and what becomes of dead workers."""

import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil
import pytest
from patience import patient

from acceptance.service_process import STARTS_S, ServiceProcess, data_directory, end, sessionary
from acceptance.service_process import service as running_service

LINE = re.compile(r"\d\d:\d\d:\d\d.* _granian - Listening at: http://127\.0\.0\.1:", re.MULTILINE)


@pytest.fixture(scope="module")
def one_pair() -> Iterator[ServiceProcess]:
    """A service with two workers, on a name."""
    with running_service("--workers=2", "--host=localhost") as served:
        yield served


@pytest.fixture
def pair(one_pair: ServiceProcess) -> ServiceProcess:
    """It runs, whatever the test before left of it."""
    if one_pair.process.poll() is not None:
        one_pair.start()
    return one_pair


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + patient(STARTS_S)
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def metrics_folders() -> Sequence[Path]:
    return list(Path(tempfile.gettempdir()).glob("sessionary-metrics-*"))


def test_it_listens_on_the_address_of_a_name_and_talks_on_stderr(pair: ServiceProcess) -> None:
    assert pair.data == ""
    assert LINE.search(pair.log)
    assert f"Serving on http://localhost:{pair.port}" in pair.log


def test_a_dead_worker_is_replaced_and_the_service_stops_cleanly(pair: ServiceProcess) -> None:
    first, second = pair.workers()
    first.kill()
    until(lambda: len(set(pair.workers()) - {first, second}) == 1)
    pair.wait_until_ready()
    assert second in pair.workers()
    assert pair.stop() == 0


def test_workers_that_die_in_turn_again_and_again_end_the_service_as_a_fault(
    pair: ServiceProcess,
) -> None:
    killed: set[psutil.Process] = set()
    while pair.process.poll() is None:
        try:
            doomed = [worker for worker in pair.workers() if worker not in killed]
        except psutil.NoSuchProcess:
            continue
        for worker in doomed[:1]:
            worker.kill()
            killed.add(worker)
        assert len(killed) < 10
    assert pair.process.returncode == 70
    assert "failed again as soon as it was replaced" in pair.log
    assert pair.servers() == []


def test_metrics_of_a_killed_service_are_cleared_away(pair: ServiceProcess) -> None:
    pair.kill()
    left = set(metrics_folders())
    pair.start()
    assert left
    assert not left & set(metrics_folders())
    assert pair.stop() == 0


def test_sigterm_before_it_serves_leaves_no_database_behind() -> None:
    with data_directory() as folder:
        served = ServiceProcess(folder / "data")
        served.begin()
        try:
            until(lambda: len(served.servers()) > 0)
            assert served.stop() in (0, 143)
            until(lambda: served.servers() == [])
        finally:
            end(served)


def test_a_role_that_does_not_exist_is_wrong_use(empty_database_url: str, tmp_path: Path) -> None:
    ended = sessionary(
        "serve", f"--database-url={empty_database_url}", f"--data-dir={tmp_path}", "--port=8765",
        "--allow-unsafe-database", "--database-role=nosuch",
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (2, "")
    assert 'role "nosuch" does not exist' in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("port", ["0", "65536"])
def test_a_port_that_is_none_is_wrong_use(port: str) -> None:
    ended = sessionary("serve", f"--port={port}", "--data-dir=/nonexistent")
    assert ended.returncode == 2
    assert "not in the range" in ended.stderr
