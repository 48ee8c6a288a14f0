"""The serving process: where it listens, what it says, and what becomes of dead workers."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.client import HTTPResponse
from pathlib import Path

import httpx
import psutil
import pytest
from support.patience import patient
from support.raw_http import PATIENCE_S, basic, request
from support.service_process import (
    ADMIN,
    PROGRAM,
    STARTS_S,
    STOPS_S,
    ServiceProcess,
    data_directory,
    end,
    sessionary,
    with_log,
)
from support.service_process import service as running_service

LINE = re.compile(r"\d\d:\d\d:\d\d.* _granian - Listening at: http://127\.0\.0\.1:", re.MULTILINE)


@pytest.fixture(scope="module", autouse=True)
def _hanging_up_counts() -> Iterator[None]:
    """What is started here does not ignore SIGHUP, though the tests were started under nohup."""
    # A handler, unlike SIG_IGN, is not inherited; and it keeps the tests alive, as nohup does.
    before = signal.signal(signal.SIGHUP, lambda *_: None)
    yield
    signal.signal(signal.SIGHUP, before)


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


def metrics_folders(served: ServiceProcess) -> set[Path]:
    """Where the workers of a service add up their metrics."""
    files = [Path(file.path) for worker in served.workers() for file in worker.open_files()]
    return {file.parent for file in files if file.parent.name.startswith("sessionary-metrics-")}


def test_it_listens_on_the_address_of_a_name_and_talks_on_stderr(pair: ServiceProcess) -> None:
    assert pair.data == ""
    assert LINE.search(pair.log)
    until(lambda: f"Serving on http://localhost:{pair.port}" in pair.log)


def test_it_says_what_it_does_and_that_it_serves_only_when_it_does(pair: ServiceProcess) -> None:
    until(lambda: "Serving on" in pair.log)
    steps = ("Starting PostgreSQL in", "Starting 2 workers", "Spawning worker-2", "Serving on")
    places = [pair.log.index(step) for step in steps]
    assert places == sorted(places)


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
            with suppress(psutil.NoSuchProcess):  # the service has ended it
                worker.kill()
            killed.add(worker)
        assert len(killed) < 10
    assert pair.process.returncode == 70
    assert "failed again as soon as it was replaced" in pair.log
    assert pair.servers() == []


def test_metrics_of_a_killed_service_are_cleared_away(pair: ServiceProcess) -> None:
    left, workers = metrics_folders(pair), pair.workers()
    pair.kill()
    psutil.wait_procs(workers, patient(STARTS_S))  # one that begins still writes there
    assert left
    assert all(folder.exists() for folder in left)
    pair.start()
    assert not any(folder.exists() for folder in left)
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
        "--allow-unsafe-database", "--allow-owner-login", "--database-role=nosuch",
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (2, "")
    assert 'role "nosuch" does not exist' in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("port", ["0", "65536"])
def test_a_port_that_is_none_is_wrong_use(port: str) -> None:
    ended = sessionary("serve", f"--port={port}", "--data-dir=/nonexistent")
    assert ended.returncode == 2
    assert "not in the range" in ended.stderr


@contextmanager
def served_on(stderr: int | None) -> Iterator[ServiceProcess]:
    """A service whose standard error is this file, or closed."""
    with data_directory() as folder:
        served = ServiceProcess(with_log(folder / "data"))
        begin = partial(os.close, 2) if stderr is None else partial(os.dup2, stderr, 2)
        served.begin(preexec_fn=begin)
        try:
            served.wait_until_ready()
            yield served
        finally:
            end(served)


def pipe_without_reader() -> int:
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.mark.parametrize("kind", ["full", "closed", "nobody reads"])
def test_what_it_says_may_be_lost_and_it_serves(kind: str) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    broken = pipe_without_reader()
    stderr = {"full": full, "closed": None, "nobody reads": broken}[kind]
    try:
        with served_on(stderr) as served:
            made = httpx.post(
                f"{served.base_url}/ai/sessions", json={}, auth=ADMIN, timeout=patient(30.0)
            )
            assert made.status_code == 200, made.text
            refused = httpx.post(f"{served.base_url}/ai/sessions", content=b"{", auth=ADMIN)
            assert refused.status_code == 400
            assert served.stop() == 0
    finally:
        os.close(full)
        os.close(broken)


@pytest.mark.parametrize("kind", ["full", "closed"])
@pytest.mark.parametrize("command", [["--help"], ["--version"], ["users", "list"]])
def test_data_that_cannot_be_written_is_an_exit_code(
    one_pair: ServiceProcess, kind: str, command: list[str]
) -> None:
    folder = [] if command[0].startswith("--") else [f"--data-dir={one_pair.data_dir}"]
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(  # our own program
            [PROGRAM, *command, *folder],
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=patient(STARTS_S),
            check=False,
            preexec_fn=partial(os.close, 1) if kind == "closed" else None,
        )
    assert ended.returncode == 74
    assert ended.stderr.startswith(b"Standard output cannot be written: ")
    assert b"Traceback" not in ended.stderr


def test_an_exit_code_does_not_depend_on_who_listens() -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(  # our own program
            [PROGRAM, "nosuch"], stderr=full, timeout=patient(STARTS_S), check=False
        )
    assert ended.returncode == 2


def hang_up(served: ServiceProcess) -> None:
    """Tell all its processes, as a terminal does that is closed."""
    for process in (psutil.Process(served.process.pid), *served.workers()):
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGHUP)


@pytest.mark.parametrize("told", [[signal.SIGHUP], [signal.SIGHUP, signal.SIGHUP, signal.SIGTERM]])
def test_sighup_ends_it_in_order(pair: ServiceProcess, told: list[signal.Signals]) -> None:
    pair.process.send_signal(told[0])
    for other in told[1:]:
        with suppress(ProcessLookupError):
            pair.process.send_signal(other)
    assert pair.process.wait(patient(STOPS_S)) == 0
    assert pair.servers() == []


def test_signals_in_a_row_hang_nothing(pair: ServiceProcess) -> None:
    for _ in range(50):
        pair.process.send_signal(signal.SIGHUP)
        time.sleep(0.001)
    assert pair.process.wait(patient(STOPS_S)) == 0
    assert pair.servers() == []


def test_a_terminal_that_closes_loses_no_request(pair: ServiceProcess) -> None:
    body = b'{"purpose": "the last"}'
    head = (b"Authorization", basic(*ADMIN))
    whole = request("POST", b"/ai/sessions", body, [head])
    with socket.create_connection(
        ("127.0.0.1", pair.port), timeout=patient(PATIENCE_S)
    ) as connection:
        connection.sendall(whole[:-5])  # it is under way until the rest has come
        until(lambda: established(pair, connection.getsockname()[1]))
        hang_up(pair)
        connection.sendall(whole[-5:])
        answer = HTTPResponse(connection, method="POST")
        answer.begin()
        assert answer.status == 200
    assert pair.process.wait(patient(STOPS_S)) == 0


def established(served: ServiceProcess, port: int) -> bool:
    """Whether a worker has the connection that a client opened from a port."""
    return any(
        found.raddr and found.raddr.port == port
        for worker in served.workers()
        for found in worker.net_connections("tcp")
    )


def test_under_nohup_a_terminal_that_closes_is_nothing_to_it() -> None:
    with data_directory() as folder:
        served = ServiceProcess(with_log(folder / "data"))
        served.begin(preexec_fn=partial(signal.signal, signal.SIGHUP, signal.SIG_IGN))
        try:
            served.wait_until_ready()
            hang_up(served)
            for _ in range(5):
                assert served.is_ready()
            assert served.process.poll() is None
            assert served.stop() == 0
        finally:
            end(served)


def test_a_worker_that_is_asked_to_end_before_its_loop_runs_again_ends() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "support.ended_early"],  # our own program
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=patient(STARTS_S + STOPS_S),
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "Started worker-1" in ended.stderr
    assert "Killing worker-1" not in ended.stderr
