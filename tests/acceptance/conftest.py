"""One running service for all acceptance tests, and those who call it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest
from support.chat_service import Chats
from support.chat_service import chats as running_chats
from support.patience import patient
from support.refusals import stored
from support.reporting import pytest_runtest_makereport as pytest_runtest_makereport
from support.service_process import ADMIN, ServiceProcess, service

AUDITOR = ("audrey", "she may look on, no more")
ACCOUNT = {"id": "String", "name": "String"}
"""The account that the documents' sample names."""


@pytest.fixture(scope="session")
def served() -> Iterator[ServiceProcess]:
    """`sessionary serve` with a user who has no rights and an account."""
    with service() as served:
        name, password = AUDITOR
        added = served.command(
            "users", "add", name, "--role", "Auditor", "--password-stdin", stdin=password
        )
        assert added.returncode == 0, added.stderr
        response = httpx.post(
            f"{served.base_url}/accounts", json=ACCOUNT, auth=ADMIN, timeout=patient(60.0)
        )
        assert response.status_code == 200, response.text
        yield served
        assert served.stop() == 0, served.log


@pytest.fixture(scope="session")
def client(served: ServiceProcess) -> Iterator[Callable[[tuple[str, str] | None], httpx.Client]]:
    """Makes clients that call the service as somebody, or as nobody."""
    with ExitStack() as stack:

        def make(who: tuple[str, str] | None) -> httpx.Client:
            auth = None if who is None else httpx.BasicAuth(*who)
            made = httpx.Client(base_url=served.base_url, auth=auth, timeout=patient(60.0))
            return stack.enter_context(made)

        yield make


@pytest.fixture(scope="session")
def admin(client: Callable[[tuple[str, str] | None], httpx.Client]) -> httpx.Client:
    """Calls as the administrator."""
    return client(ADMIN)


@pytest.fixture(scope="session")
def auditor(client: Callable[[tuple[str, str] | None], httpx.Client]) -> httpx.Client:
    """Calls as somebody who may change nothing."""
    return client(AUDITOR)


@pytest.fixture(scope="session")
def anonymous(client: Callable[[tuple[str, str] | None], httpx.Client]) -> httpx.Client:
    """Calls without credentials."""
    return client(None)


@pytest.fixture(scope="session")
def chats() -> Iterator[Chats]:
    """A service of two workers with agents and a customer."""
    with running_chats() as found:
        yield found


@pytest.fixture
def session(admin: httpx.Client) -> str:
    """The id of a fresh session of the documented account, with the purpose "before"."""
    made = admin.post("/ai/sessions", json={"accountId": "String", "purpose": "before"})
    return str(made.json()["id"])


@pytest.fixture
def session_path(session: str) -> str:
    """The path of that session."""
    return f"/ai/sessions/{session}"


@pytest.fixture
def _nothing_is_stored(served: ServiceProcess) -> Iterator[None]:
    """The log holds as much after a test; what may be made for the test is named before this."""
    before = stored(served)
    yield
    assert stored(served) == before
