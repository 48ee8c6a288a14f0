"""Who may see the metrics, and how Prometheus shows that it may."""

import httpx
import pytest
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess


@pytest.fixture(scope="module")
def token(served: ServiceProcess) -> str:
    """A bearer token of an Operator."""
    added = served.command("users", "add", "prometheus", "--role", "Operator")
    assert added.returncode == 0, added.stderr
    return served.command("users", "token", "prometheus").stdout.strip()


def scrape(served: ServiceProcess, **headers: str) -> httpx.Response:
    return httpx.get(f"{served.base_url}/metrics", headers=headers, timeout=patient(60.0))


@pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3:8000"])
def test_an_operators_token_shows_them_by_whatever_address(
    served: ServiceProcess, token: str, host: str
) -> None:
    shown = scrape(served, Authorization=f"Bearer {token}", Host=host)
    assert shown.status_code == 200
    assert shown.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "sessionary_request_seconds_bucket" in shown.text


def test_an_administrator_sees_them(served: ServiceProcess) -> None:
    assert httpx.get(f"{served.base_url}/metrics", auth=ADMIN).status_code == 200


def test_nobody_else_does(served: ServiceProcess, auditor: httpx.Client) -> None:
    nobody = scrape(served)
    assert (nobody.status_code, nobody.text) == (401, "Not Authenticated")
    assert nobody.headers["www-authenticate"].startswith("Basic")
    assert scrape(served, Authorization="Bearer made-up").status_code == 401
    refused = auditor.get("/metrics")
    assert (refused.status_code, refused.text) == (403, "Operator Role Required")
