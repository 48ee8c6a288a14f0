"""One running service for all acceptance tests, those who call it, and commands beside it."""

import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from support import database
from support.audited import ANNA, Past, lived
from support.chat_service import Chats
from support.chat_service import chats as running_chats
from support.commands import Run
from support.cookies import cookie_header, sign_in
from support.patience import patient
from support.person import Person
from support.refusals import stored
from support.reporting import pytest_runtest_makereport as pytest_runtest_makereport
from support.service_process import ADMIN, ServiceProcess, service, sessionary
from support.story import Story, told

CHAT = "/api/v1/ChatSession"
AUDITOR = ("audrey", "she may look on, no more")
HOSTS = "a,evovoice.io"
"""Hosts that tests call the service by, beside its address: the documents' samples have one."""
ACCOUNT = {"id": "String", "name": "String"}
"""The account that the documents' sample names."""


@pytest.fixture(scope="session")
def served() -> Iterator[ServiceProcess]:
    """`sessionary serve` with a user who has no rights and an account."""
    with service(f"--allowed-hosts={HOSTS}") as served:
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


@pytest.fixture(scope="session")
def story(
    served: ServiceProcess, admin: httpx.Client, tmp_path_factory: pytest.TempPathFactory
) -> Story:
    """What auditors look into."""
    return told(served, admin, tmp_path_factory.mktemp("auditor") / "token")


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


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """The master key of the databases of tests."""
    path = tmp_path / "master.key"
    database.write_master_key(path)
    return path


@pytest.fixture
def run(database_url: str, key_file: Path) -> Run:
    """Runs a subcommand on a database of the test's own."""
    options = (
        f"--database-url={database_url}", f"--master-key-file={key_file}",
        "--allow-unsafe-database",
    )  # fmt: skip

    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return sessionary(*arguments, *options, stdin=stdin)

    return run


@pytest.fixture
def chat(admin: httpx.Client) -> str:
    """The path of a fresh chat session."""
    return f"{CHAT}/{admin.post(CHAT, json={}).json()['ChatSessionId']}"


@pytest.fixture
def targets(session: str, chat: str) -> dict[str, str]:
    """What the templates of `support.conditions.COMMANDS` need."""
    return {"session": session, "chat": chat.rpartition("/")[2]}


@pytest.fixture
def browser(served: ServiceProcess) -> Iterator[httpx.Client]:
    """A client whose tests say themselves which cookies are sent."""
    with httpx.Client(base_url=served.base_url, timeout=patient(60.0)) as client:
        yield client


@pytest.fixture
def cookies(browser: httpx.Client) -> Mapping[str, str]:
    """The Cookie header of a signed-in administrator."""
    return cookie_header(sign_in(browser, ADMIN, remember=True))


@pytest.fixture(scope="session")
def past(served: ServiceProcess) -> Past:
    """What an auditor may look at."""
    return lived(served)


@pytest.fixture
def window(served: ServiceProcess, past: Past) -> Iterator[httpx.Client]:
    """Calls with a jar of cookies of its own."""
    with httpx.Client(base_url=served.base_url, timeout=patient(60.0)) as made:
        yield made


@pytest.fixture
def anna(window: httpx.Client) -> Person:
    """An auditor at the start page."""
    person = Person(window).open("/login")
    person.send("/login", userName=ANNA[0], password=ANNA[1])
    assert person.path == "/"
    person.clicks = 0
    return person
