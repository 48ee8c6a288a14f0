"""The promise to a new user: killed in the middle of work and started again, nothing is lost."""

import re
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import httpx
import psutil
import pytest
from support.patience import patient
from support.service_process import ServiceProcess, no_difference
from support.service_process import service as running_service

ENOUGH = 30
PATIENCE_S = 30.0
GENERATED = re.compile(r"^Created the administrator (\S+): the password is in (\S+)$", re.MULTILINE)
OWN = "what the administrator chose"


@pytest.fixture(scope="module")
def one_service() -> Iterator[ServiceProcess]:
    """A service that was started on an empty directory, as a new user does."""
    with running_service(password=None, anew=True) as started:
        yield started


@pytest.fixture
def service(one_service: ServiceProcess) -> ServiceProcess:
    """The service, running, whatever the test before left of it."""
    if one_service.process.poll() is not None:
        one_service.start()
    return one_service


@pytest.fixture(scope="module")
def first(one_service: ServiceProcess) -> tuple[str, str, Path, int]:
    """The name and password of the first start, the file that held it, and that file's mode."""
    ((name, file),) = GENERATED.findall(one_service.log)
    path = Path(file)
    return name, path.read_text().strip(), path, path.stat().st_mode


@pytest.fixture(scope="module")
def one_admin(one_service: ServiceProcess, first: tuple[str, str, Path, int]) -> tuple[str, str]:
    """The administrator, who has changed the generated password."""
    name, generated, _, _ = first
    changed = httpx.post(
        f"{one_service.base_url}/auth/password",
        json={"password": generated, "newPassword": OWN},
        auth=(name, generated),
        timeout=patient(60.0),
    )
    assert changed.status_code == 204, changed.text
    return name, OWN


@pytest.fixture
def admin(service: ServiceProcess, one_admin: tuple[str, str]) -> tuple[str, str]:
    """The administrator of the running service."""
    return one_admin


class Poster:
    """Posts session after session, and remembers those that were acknowledged."""

    def __init__(self, base_url: str, admin: tuple[str, str]) -> None:
        self.acknowledged: dict[str, str] = {}
        self.enough = threading.Event()
        self._base_url = base_url
        self._admin = admin
        self._thread = threading.Thread(target=self._post, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self.enough.wait(patient(PATIENCE_S))
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(patient(PATIENCE_S))
        assert not self._thread.is_alive()

    def all_there(self) -> bool:
        """Whether each acknowledged session can be read."""
        with httpx.Client(
            base_url=self._base_url, auth=self._admin, timeout=patient(60.0)
        ) as client:
            return self.acknowledged == {
                session: client.get(f"/ai/sessions/{session}").json().get("purpose")
                for session in self.acknowledged
            }

    def _post(self) -> None:
        with httpx.Client(
            base_url=self._base_url, auth=self._admin, timeout=patient(60.0)
        ) as client:
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


def test_the_generated_password_is_in_a_file_of_its_owner_and_opens_nothing_but_its_change(
    service: ServiceProcess, first: tuple[str, str, Path, int]
) -> None:
    name, password, path, mode = first
    assert path.parent == service.data_dir
    assert stat.S_IMODE(mode) == 0o600
    assert len(password) >= 16
    assert password not in service.log + service.data + service.database_log
    answer = httpx.get(f"{service.base_url}/accounts", auth=(name, password), timeout=patient(60.0))
    assert answer.status_code == 403


def test_the_changed_password_opens_the_door(
    service: ServiceProcess, admin: tuple[str, str]
) -> None:
    answer = httpx.get(f"{service.base_url}/accounts", auth=admin, timeout=patient(60.0))
    assert (answer.status_code, answer.json()["items"]) == (200, [])


def test_kill_9_loses_nothing_that_was_acknowledged(
    service: ServiceProcess, admin: tuple[str, str]
) -> None:
    with Poster(service.base_url, admin) as poster:
        workers, servers = service.workers(), service.servers()
        service.kill()
    _, alive = psutil.wait_procs(workers, timeout=patient(20.0))
    assert workers
    assert not alive, "an orphaned worker would hold the port"
    service.start()
    assert service.servers()[0] in servers, "the database outlives the service"
    assert poster.all_there()
    assert no_difference(service) == []


def test_kill_9_of_everything_at_once_loses_nothing(
    service: ServiceProcess, admin: tuple[str, str]
) -> None:
    with Poster(service.base_url, admin) as poster:
        doomed = [*service.workers(), *service.servers()]
        service.kill()
        for process in doomed:
            if process.is_running():
                process.kill()
    service.start()
    assert poster.all_there()
    assert no_difference(service) == []


def test_sigterm_ends_the_service_and_its_database_in_good_order(
    service: ServiceProcess, admin: tuple[str, str]
) -> None:
    with Poster(service.base_url, admin) as poster:
        processes = [*service.workers(), *service.servers()]
        assert service.stop() == 0
    _, alive = psutil.wait_procs(processes, timeout=patient(20.0))
    assert not alive
    assert "database system is shut down" in service.database_log
    service.start()
    assert poster.all_there()


def test_the_file_is_gone_once_its_password_is_of_no_use(
    service: ServiceProcess, first: tuple[str, str, Path, int]
) -> None:
    assert service.log.count("Serving on") > 1
    assert not first[2].exists()
    assert first[1] not in service.log
