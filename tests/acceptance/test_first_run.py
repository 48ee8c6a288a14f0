"""The promise to a new user: killed in the middle of work and started again, nothing is lost."""

import re
import threading
from collections.abc import Iterator
from typing import Self

import httpx
import psutil
import pytest
from support.patience import patient
from support.service_process import ServiceProcess, no_difference
from support.service_process import service as running_service

ENOUGH = 30
PATIENCE_S = 30.0
GENERATED = re.compile(r"^Created the administrator (\S+) with the password (\S+)$", re.MULTILINE)


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


@pytest.fixture
def admin(service: ServiceProcess) -> tuple[str, str]:
    """The name and password that the first start printed."""
    ((name, password),) = GENERATED.findall(service.log)
    return name, password


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


def test_the_generated_password_opens_the_door_and_is_shown_once(
    service: ServiceProcess, admin: tuple[str, str]
) -> None:
    answer = httpx.get(f"{service.base_url}/accounts", auth=admin, timeout=patient(60.0))
    assert (answer.status_code, answer.json()["items"]) == (200, [])
    assert service.log.count(admin[1]) == 1


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


def test_the_password_was_still_shown_only_once(
    service: ServiceProcess, admin: tuple[str, str]
) -> None:
    assert service.log.count("Serving on") > 1
    assert service.log.count(admin[1]) == 1
