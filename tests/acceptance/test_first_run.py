"""The promise to a new user: start, be killed in the middle of work, start again, nothing is lost."""

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from acceptance.service_process import ADMIN, ServiceProcess, data_directory, end, no_difference

ENOUGH = 30


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty directory."""
    with data_directory() as folder:
        yield folder / "data"


@pytest.fixture
def service(home: Path) -> Iterator[ServiceProcess]:
    """A service on it that runs."""
    started = ServiceProcess(home)
    try:
        started.start()
        yield started
    finally:
        end(started)


class Poster:
    """Posts session after session, and remembers those that were acknowledged."""

    def __init__(self, base_url: str) -> None:
        self.acknowledged: dict[str, str] = {}
        self.enough = threading.Event()
        self._base_url = base_url
        self._thread = threading.Thread(target=self._post, daemon=True)

    def __enter__(self) -> "Poster":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(20.0)
        assert not self._thread.is_alive()

    def _post(self) -> None:
        with httpx.Client(base_url=self._base_url, auth=ADMIN) as client:
            try:
                while True:
                    purpose = f"number {len(self.acknowledged)}"
                    answer = client.post("/ai/sessions", json={"purpose": purpose})
                    if answer.status_code == 200:
                        self.acknowledged[answer.json()["id"]] = purpose
                    if len(self.acknowledged) >= ENOUGH:
                        self.enough.set()
            except httpx.TransportError:
                return  # it was killed


def test_what_was_acknowledged_before_kill_9_is_there_after_the_next_start(
    service: ServiceProcess,
) -> None:
    with Poster(service.base_url) as poster:
        assert poster.enough.wait(20.0)
        workers = service.workers()
        service.kill()
    gone, alive = psutil.wait_procs(workers, timeout=5.0)
    assert gone
    assert not alive, "orphaned workers would hold the port"
    service.start()
    with httpx.Client(base_url=service.base_url, auth=ADMIN) as client:
        for session, purpose in poster.acknowledged.items():
            assert client.get(f"/ai/sessions/{session}").json()["purpose"] == purpose
    assert no_difference(service) == []


def test_kill_9_of_everything_at_once_loses_nothing(service: ServiceProcess) -> None:
    with Poster(service.base_url) as poster:
        assert poster.enough.wait(20.0)
        doomed = [*service.workers(), *service.servers()]
        service.kill()
        for process in doomed:
            if process.is_running():
                process.kill()
    service.start()
    with httpx.Client(base_url=service.base_url, auth=ADMIN) as client:
        for session in poster.acknowledged:
            assert client.get(f"/ai/sessions/{session}").status_code == 200
    assert no_difference(service) == []


def test_sigterm_ends_the_service_and_its_database(service: ServiceProcess) -> None:
    workers, servers = service.workers(), service.servers()
    assert workers
    assert servers
    assert service.stop() == 0
    _, alive = psutil.wait_procs([*workers, *servers], timeout=5.0)
    assert not alive
    assert "shut down" in (service.data_dir / "postgres" / "postgres.log").read_text()


def test_sigterm_in_the_middle_of_work_breaks_no_promise(service: ServiceProcess) -> None:
    with Poster(service.base_url) as poster:
        assert poster.enough.wait(20.0)
        assert service.stop() == 0
    service.start()
    with httpx.Client(base_url=service.base_url, auth=ADMIN) as client:
        for session in poster.acknowledged:
            assert client.get(f"/ai/sessions/{session}").status_code == 200


def test_a_password_is_generated_once_and_shown_once(home: Path) -> None:
    from acceptance.service_process import sessionary

    first = sessionary("migrate", f"--data-dir={home}")
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines()[0].startswith("Applied 0001")
    again = sessionary("migrate", f"--data-dir={home}")
    assert (again.returncode, again.stdout) == (0, "Up to date\n")
