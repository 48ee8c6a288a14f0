"""Who may see the metrics, and how Prometheus shows that it may."""

import time

import httpx
import pytest
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess, service


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


NAMED = {
    "sessionary_build_info", "sessionary_log_position",
    "sessionary_log_last_event_timestamp_seconds", "sessionary_request_seconds_bucket",
    "sessionary_append_seconds_bucket", "sessionary_append_batch_size_bucket",
    "sessionary_pool_connections", "sessionary_requests_in_flight", "sessionary_queue_waiting",
    "sessionary_idempotent_replays_total", "sessionary_refusals_total",
    "sessionary_sign_in_failures_total", "sessionary_unmatched_requests_total",
    "sessionary_process_cpu_seconds_total", "sessionary_process_resident_bytes",
}  # fmt: skip


def series(text: str) -> dict[str, float]:
    """The values of all series."""
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def test_idle_metrics_are_few_and_begin_at_their_first_use() -> None:
    with service() as fresh:
        shown = httpx.get(f"{fresh.base_url}/metrics", auth=ADMIN)
    assert len(shown.content) < 40_000
    assert "_created" not in shown.text
    assert "PatchAISession" not in shown.text


@pytest.mark.parametrize("workers", [1, 2])
def test_they_show_what_happened_and_how_it_stands(workers: int) -> None:
    with service(f"--workers={workers}") as served, httpx.Client(base_url=served.base_url) as kim:
        kim.auth = httpx.BasicAuth(*ADMIN)
        key = {"Idempotency-Key": "1"}
        made = kim.post("/ai/sessions", json={"purpose": "x"}, headers=key)
        kim.post("/ai/sessions", json={"purpose": "x"}, headers=key)
        kim.get("/ai/nothing")
        kim.get("/ai/sessions/nothing")
        kim.get("/ai/sessions", auth=("kim", "wrong"))
        end = time.monotonic() + patient(20.0)
        while True:  # some are samples of the moment
            shown = series(kim.get("/metrics").text)
            missing = {name for name in NAMED if not any(each.startswith(name) for each in shown)}
            if not missing or time.monotonic() > end:
                break
            time.sleep(0.1)
    assert missing == set()
    partition, position = made.headers["X-Log-Position"].split(":")
    assert shown[f'sessionary_log_position{{partition="{partition}"}}'] >= int(position)
    assert shown["sessionary_idempotent_replays_total"] == 1
    assert shown["sessionary_unmatched_requests_total"] == 1
    failures = {name for name in shown if name.startswith("sessionary_sign_in_failures_total")}
    assert sum(shown[name] for name in failures) == 1
    assert shown['sessionary_refusals_total{reason="NotFound"}'] == 2
    names = {name for name in shown if name.startswith("sessionary_process_resident_bytes")}
    assert len(names) == workers
    assert all(shown[name] > 10_000_000 for name in names)
