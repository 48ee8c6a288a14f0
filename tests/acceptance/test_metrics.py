"""Who may see the metrics, and how Prometheus shows that it may."""

import asyncio
import math
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack

import asyncpg
import httpx
import pytest
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess, service, sessionary


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


OF_THE_MOMENT = {
    "sessionary_pool_connections", "sessionary_requests_in_flight", "sessionary_queue_waiting",
    "sessionary_process_cpu_seconds_total", "sessionary_process_resident_bytes",
}  # fmt: skip
OF_A_STANDBY = {"sessionary_standby"}
"""Only shown by a service that reads from one: see test_standby_reads."""
NAMED = OF_THE_MOMENT | {
    "sessionary_build_info", "sessionary_log_position",
    "sessionary_log_last_event_timestamp_seconds", "sessionary_request_seconds_bucket",
    "sessionary_requests_total", "sessionary_append_seconds_bucket",
    "sessionary_append_batch_size_bucket", "sessionary_conflicts_total",
    "sessionary_idempotent_replays_total", "sessionary_refusals_total",
    "sessionary_sign_in_failures_total", "sessionary_throttled_total",
    "sessionary_unmatched_requests_total", "sessionary_follower_lag_events",
    "sessionary_follower_lag_seconds", "sessionary_rebuild_events",
    "sessionary_store_failures_total", "sessionary_numbers_used_ratio",
    "sessionary_log_ahead_seconds", "sessionary_checkpoint_age_seconds",
    "sessionary_checkpoint_unpublished_seconds",
}  # fmt: skip
"""Metrics that a service has once something of each kind has happened."""


def series(text: str) -> dict[str, float]:
    """The values of all series."""
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def missing(shown: Mapping[str, float], wanted: Iterable[str]) -> set[str]:
    return {name for name in wanted if not any(each.startswith(name) for each in shown)}


def scraped(kim: httpx.Client, *wanted: str) -> dict[str, float]:
    """A scrape, once it has what is wanted: some of it is looked at every 2 s."""
    end = time.monotonic() + patient(20.0)
    while True:
        shown = series(kim.get("/metrics").text)
        if not missing(shown, wanted) or time.monotonic() > end:
            return shown
        time.sleep(0.1)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service of two workers, which publishes its checkpoints."""
    place = tmp_path_factory.mktemp("published")
    with service("--workers=2", f"--checkpoint-to={place}", "--checkpoint-every=1") as served:
        yield served


@pytest.fixture(scope="module")
def kim(two: ServiceProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=two.base_url, auth=ADMIN, timeout=patient(60.0)) as client:
        yield client


@pytest.fixture(scope="module")
def idle(kim: httpx.Client) -> str:
    """The first scrape of a service that nobody has called yet."""
    return kim.get("/metrics").text


def overtaken(two: ServiceProcess) -> None:
    """Let one worker decide on what it remembers while the other has gone on."""
    with ExitStack() as stack:
        clients = [
            stack.enter_context(httpx.Client(base_url=two.base_url, auth=ADMIN, timeout=60))
            for _ in range(8)
        ]
        made = clients[0].post("/ai/sessions", json={"purpose": "x"}).json()["id"]
        for number in range(64):
            client = clients[number % len(clients)]
            client.patch(f"/ai/sessions/{made}", json={"purpose": str(number)})


async def cut_off(two: ServiceProcess) -> None:
    """End the service's connections to the database."""
    owner = await asyncpg.connect(two.database_url)
    await owner.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name LIKE 'sessionary %'"
    )
    await owner.close()


@pytest.fixture(scope="module")
def happened(two: ServiceProcess, kim: httpx.Client, idle: str) -> dict[str, float]:
    """What is scraped after something of each kind has happened, once."""
    key = {"Idempotency-Key": "1"}
    made = kim.post("/ai/sessions", json={"purpose": "x"}, headers=key)
    kim.post("/ai/sessions", json={"purpose": "x"}, headers=key)
    kim.get("/ai/nothing")
    kim.get("/ai/sessions/nothing")
    overtaken(two)
    for _ in range(16):
        httpx.get(f"{two.base_url}/ai/sessions", auth=("kim", "wrong"))
    kim.post("/api/v1/ChatSession", json={})
    asyncio.run(cut_off(two))
    kim.post("/ai/sessions", json={"purpose": "x"})
    assert two.command("rebuild").returncode == 0
    shown = scraped(kim, *NAMED)
    partition, position = made.headers["X-Log-Position"].split(":")
    assert shown[f'sessionary_log_position{{partition="{partition}"}}'] >= int(position)
    return shown


@pytest.mark.usefixtures("kim")
def test_idle_metrics_are_few_and_begin_at_their_first_use(idle: str) -> None:
    assert len(idle.encode()) < 40_000
    assert "_created" not in idle
    assert "PatchAISession" not in idle


def test_several_workers_show_what_happened_to_all_of_them(happened: dict[str, float]) -> None:
    assert missing(happened, NAMED) == set()
    assert not any("_created" in name for name in happened)
    assert happened["sessionary_idempotent_replays_total"] == 1
    assert happened["sessionary_unmatched_requests_total"] == 1
    assert happened['sessionary_refusals_total{reason="NotFound"}'] == 2
    failures = sum(v for n, v in happened.items() if n.startswith("sessionary_sign_in_failures"))
    assert failures + happened["sessionary_throttled_total"] == 16
    rebuilt = {n for n in happened if n.startswith("sessionary_rebuild_events{")}
    assert 'sessionary_rebuild_events{view="ai_session_info"}' in rebuilt
    assert all(happened[name] > 0 for name in rebuilt)


def test_each_worker_has_its_own_process(happened: dict[str, float]) -> None:
    for name in ("sessionary_process_resident_bytes", "sessionary_process_cpu_seconds_total"):
        values = {each: happened[each] for each in happened if each.startswith(name)}
        assert set(values) == {f'{name}{{worker="worker-{number}"}}' for number in (1, 2)}
        assert all(value > 0 for value in values.values())


@pytest.mark.parametrize("what", ["board", "alerts"])
def test_what_board_and_alerts_look_at_is_there(what: str, happened: dict[str, float]) -> None:
    asked = sessionary("metrics", what).stdout
    wanted = set(re.findall(r"\b(sessionary_\w+)", asked))
    assert len(wanted) > 10
    assert missing(happened, wanted) - OF_A_STANDBY == set()


def test_times_have_buckets_up_to_10_s(happened: dict[str, float]) -> None:
    for name in ("sessionary_request_seconds", "sessionary_append_seconds"):
        ends = {
            float(found[1])
            for each in happened
            if (found := re.search(rf'^{name}_bucket{{.*le="([^"]+)"', each))
        }
        assert sorted(ends)[-2:] == [10.0, math.inf]


def test_a_single_worker_shows_the_same_of_the_moment(served: ServiceProcess) -> None:
    with httpx.Client(base_url=served.base_url, auth=ADMIN, timeout=patient(60.0)) as kim:
        shown = scraped(kim, *OF_THE_MOMENT)
    assert missing(shown, OF_THE_MOMENT) == set()
    (name,) = (each for each in shown if each.startswith("sessionary_process_resident_bytes"))
    assert shown[name] > 10_000_000
