"""Headers that tell browsers what to leave undone, on answers of every kind."""

from collections.abc import Iterator

import httpx
import pytest
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess
from support.service_process import service as running_service

PATHS = ["/", "/ai/sessions", "/nowhere", "/api/v1/ChatSession", "/health/live", "/metadata"]
HTTPS = {"X-Forwarded-Proto": "https"}
HSTS = "strict-transport-security"


@pytest.fixture(scope="module")
def proxied() -> Iterator[ServiceProcess]:
    """A service that believes its proxy."""
    with running_service("--behind-proxy", "--allowed-hosts=sessions.example") as served:
        yield served


def call(served: ServiceProcess, path: str, **headers: str) -> httpx.Response:
    return httpx.get(f"{served.base_url}{path}", headers=headers, auth=ADMIN, timeout=patient(60.0))


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_says_who_may_learn_of_it(served: ServiceProcess, path: str) -> None:
    headers = call(served, path).headers
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"]
    assert HSTS not in headers


@pytest.mark.parametrize("path", PATHS)
def test_behind_a_proxy_that_speaks_tls_a_browser_comes_back_by_tls_alone(
    proxied: ServiceProcess, path: str
) -> None:
    assert call(proxied, path, **HTTPS, Host="sessions.example").headers[HSTS] == (
        "max-age=31536000"
    )
    assert HSTS not in call(proxied, path, Host="sessions.example").headers


def test_on_localhost_it_may_still_call_what_else_listens_there(proxied: ServiceProcess) -> None:
    assert HSTS not in call(proxied, "/", **HTTPS, Host="localhost:8443").headers


def test_who_claims_to_be_a_proxy_is_not_believed(served: ServiceProcess) -> None:
    assert HSTS not in call(served, "/", **HTTPS).headers
    name, password = ADMIN
    signed_in = httpx.post(
        f"{served.base_url}/auth/credentials",
        json={"userName": name, "password": password}, headers=HTTPS, timeout=patient(60.0),
    )  # fmt: skip
    assert "Secure" not in signed_in.headers["set-cookie"]
