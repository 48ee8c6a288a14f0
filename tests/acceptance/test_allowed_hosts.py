"""Calls by another name than the service's own: DNS rebinding, and links that somebody poisoned."""

import json
from collections.abc import Iterator

import httpx
import pytest
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess, sessionary
from support.service_process import service as running_service

EVIL = "rebound.evil.example"


@pytest.fixture(scope="module")
def public() -> Iterator[ServiceProcess]:
    """A service for other machines, known by names."""
    hosts = "--allowed-hosts=sessions.example,*.shop.example"
    with running_service("--host=0", "--allow-plain-http", hosts) as served:
        yield served


def call(
    served: ServiceProcess, path: str, host: str, method: str = "GET", **more: str
) -> httpx.Response:
    return httpx.request(
        method, f"{served.base_url}{path}", headers={"Host": host, **more}, auth=ADMIN,
        timeout=patient(60.0),
    )  # fmt: skip


@pytest.mark.parametrize("path", ["/ai/sessions", "/accounts", "/nowhere"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_another_host_is_refused_in_the_shape_of_the_face(
    served: ServiceProcess, path: str, method: str
) -> None:
    refused = call(served, path, EVIL, method)
    assert refused.status_code == 421
    assert EVIL not in refused.text
    status = json.loads(refused.text)["responseStatus"]
    assert status["errorCode"] == "MisdirectedRequest"
    assert "--allowed-hosts" in status["message"]


@pytest.mark.parametrize("path", ["/api/v1/ChatSession", "/api/v1/nowhere"])
def test_the_other_face_refuses_in_its_own_shape(served: ServiceProcess, path: str) -> None:
    refused = call(served, path, f"{EVIL}:{served.port}")
    assert refused.status_code == 421
    assert refused.json()["ErrorType"]
    assert EVIL not in refused.text


@pytest.mark.parametrize("path", ["/", "/metadata", "/schema/", "/schema/openapi.json"])
def test_pages_are_not_shown_to_another_host(served: ServiceProcess, path: str) -> None:
    refused = call(served, path, EVIL)
    assert refused.status_code == 421
    assert EVIL not in refused.text


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_probes_may_call_by_any_address(served: ServiceProcess, path: str) -> None:
    assert call(served, path, "10.1.2.3:8000").status_code == 200


@pytest.mark.parametrize("host", ["sessions.example", "SESSIONS.example:8443", "a.shop.example"])
def test_names_that_are_allowed_are_answered_with_their_links(
    public: ServiceProcess, host: str
) -> None:
    made = httpx.post(f"{public.base_url}/api/v1/ChatSession", json={}, auth=ADMIN)
    assert made.status_code == 200
    listed = call(public, "/api/v1/ChatSession?$top=1", host)
    assert f"http://{host}/api/v1/" in listed.text


@pytest.mark.parametrize("host", ["shop.example", "other.example", EVIL])
def test_names_that_are_not_are_refused(public: ServiceProcess, host: str) -> None:
    assert call(public, "/accounts", host).status_code == 421


def test_without_names_a_service_for_other_machines_is_called_by_address() -> None:
    with running_service("--host=0", "--allow-plain-http") as served:
        assert "Answering calls by address only: --allowed-hosts names" in served.log
        assert call(served, "/accounts", f"127.0.0.1:{served.port}").status_code == 200
        assert call(served, "/accounts", "sessions.example").status_code == 421


@pytest.mark.parametrize(
    "host", ["", "https://a.example", "a.example:80", "a b", "*a.example", "a/*"]
)
def test_what_no_client_would_name_is_wrong_use(host: str) -> None:
    ended = sessionary("serve", f"--allowed-hosts={host}", "--data-dir=/nonexistent")
    assert ended.returncode == 2
    assert "it has no scheme and no port" in ended.stderr
