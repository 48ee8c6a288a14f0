"""Who may call, and who may command."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from support.conditions import COMMANDS, assert_refused, position
from support.cookies import sign_in
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess


@pytest.fixture(scope="module", autouse=True)
def _nobody_waits_later(anonymous: httpx.Client) -> Iterator[None]:
    """Wrong passwords hold up their user's next sign-in, which may be another module's."""
    yield
    latest = time.monotonic() + patient(10.0)
    while (answer := sign_in(anonymous, ADMIN)).status_code == 429:
        assert time.monotonic() < latest
        time.sleep(0.05)
    assert answer.status_code == 200


@pytest.mark.parametrize("name", COMMANDS)
def test_nobody_may_command_without_credentials(
    anonymous: httpx.Client, targets: dict[str, str], name: str
) -> None:
    method, path = COMMANDS[name]
    answer = anonymous.request(method, path.format(**targets), json={"name": "x"})
    assert_refused(answer, 401, "Unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize("name", COMMANDS)
def test_who_looks_on_may_not_command(
    auditor: httpx.Client, admin: httpx.Client, targets: dict[str, str], name: str
) -> None:
    before = position(admin.patch("/accounts/String", json={}))
    method, path = COMMANDS[name]
    answer = auditor.request(method, path.format(**targets), json={"name": "x", "purpose": "x"})
    assert_refused(answer, 403, "Forbidden")
    assert position(admin.patch("/accounts/String", json={})) == before


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic",
        "Basic %%%",
        "Basic YWRtaW4=",  # no colon
        "Basic YWRtaW46d3Jvbmc=",  # a wrong password
        "Basic bm9ib2R5OndobyBpcyB0aGlz",  # an unknown name
        "Basic YWRtaW46",  # an empty password
        "Basic /w==",  # no UTF-8
        "Basic YQBiOmM=",  # NUL in the name
        "Bearer nothing-we-ever-gave",
        "Bearer",
        "Negotiate abc",
        "",
    ],
)
def test_wrong_credentials_open_nothing(
    anonymous: httpx.Client, session_path: str, chat: str, authorization: str
) -> None:
    for path in (session_path, chat):
        answer = anonymous.get(path, headers={"Authorization": authorization})
        assert_refused(answer, 401, "Unauthorized")
        assert "WWW-Authenticate" in answer.headers


def test_the_second_time_with_a_wrong_password_is_no_better(
    client: Any,  # the fixture
    admin: httpx.Client,
    session_path: str,
) -> None:
    for _ in range(3):
        assert client((ADMIN[0], "wrong")).get(session_path).status_code == 401
        assert admin.get(session_path).status_code == 200


def test_a_token_calls_as_its_user(
    served: ServiceProcess, anonymous: httpx.Client, session_path: str
) -> None:
    given = served.command("users", "token", ADMIN[0])
    assert given.returncode == 0, given.stderr
    headers = {"Authorization": f"Bearer {given.stdout.strip()}"}
    assert given.stdout.count("\n") == 1, "the token is alone on stdout"
    patched = anonymous.patch(session_path, json={"purpose": "by token"}, headers=headers)
    assert patched.json()["lastModifiedBy"] == ADMIN[0]
