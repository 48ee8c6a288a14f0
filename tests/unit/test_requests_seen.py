"""What a worker tells of its requests, and how their time is split."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.concurrency.batcher import Batcher
from app.concurrency.keyed_lock import KeyedLock
from app.concurrency.time_spent import SPENT, TimeSpent
from app.settings import Settings
from app.telemetry.logs import ACCESS
from app.telemetry.operations import quantile_ms
from app.telemetry.requests import KEPT, Requests, Route

READ = Route("evo", "ReadAISession", "/ai/sessions/{id}")
PROBE = Route("system", "Ready", "/health/ready")


def telling(access_log: str = "off", folder: Path | None = None) -> Requests:
    shared = None if folder is None else str(folder)
    settings = Settings(
        database_url="", master_key=b"", access_log=access_log, metrics_folder=shared
    )
    return Requests(settings)


def saw(
    requests: Requests,
    status: int = 200,
    seconds: float = 0.0,
    *,
    route: Route = READ,
    spent: TimeSpent | None = None,
    name: str = "r1",
) -> None:
    requests.saw(route, "GET", status, seconds, spent or TimeSpent(), request_id=name, actor="kim")


@pytest.mark.parametrize(
    ("access_log", "lines"),
    [("off", []), ("errors", [404, 500]), ("slow", [200]), ("all", [200, 200, 404, 500, 503])],
)
def test_each_form_of_the_access_log_has_its_lines(
    access_log: str, lines: Sequence[int], caplog: pytest.LogCaptureFixture
) -> None:
    requests = telling(access_log)
    with caplog.at_level(logging.INFO, ACCESS):
        saw(requests, 200, 0.5)
        saw(requests, 200, 1.5)
        saw(requests, 404)
        saw(requests, 500)
        saw(requests, 503, route=PROBE)
    assert [vars(record)["fields"]["status"] for record in caplog.records] == lines


def test_a_flood_of_refusals_hides_neither_faults_nor_slow_requests() -> None:
    requests = telling()
    saw(requests, 500, name="fault")
    saw(requests, 200, 2.0, name="slow")
    for _ in range(2 * KEPT):
        saw(requests, 401)
    kept = requests.everywhere()
    assert len(kept) == KEPT + 2
    assert {(each.kind, each.request_id) for each in kept} == {
        ("failed", "fault"), ("slow", "slow"), ("refused", "r1")
    }  # fmt: skip


def test_waiting_for_news_is_not_slow_and_the_parts_make_the_whole() -> None:
    requests = telling()
    saw(requests, 200, 20.0, spent=TimeSpent(idle_s=19.9))
    assert requests.everywhere() == []
    saw(requests, 200, 2.0, spent=TimeSpent(waiting_s=0.5, deciding_s=0.1, database_s=1.0))
    (kept,) = requests.everywhere()
    parts = kept.milliseconds
    assert (parts.total, parts.waiting, parts.deciding, parts.database, parts.rest) == (
        2000, 500, 100, 1000, 400
    )  # fmt: skip


def test_workers_of_a_node_see_each_others(tmp_path: Path) -> None:
    one, other = telling(folder=tmp_path), telling(folder=tmp_path)
    other.worker = "worker-2"
    saw(one, 500, name="first")
    saw(other, 500, name="second")
    one.share()
    other.share()
    for requests in (one, other):
        assert [each.request_id for each in requests.everywhere()] == ["second", "first"]
    (tmp_path / "requests-worker-3.json").write_bytes(b"[{")  # killed while it wrote
    assert len(one.everywhere()) == 2


async def test_each_entry_of_a_batch_has_its_own_wait_and_the_time_of_its_batch() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def send(entries: Sequence[int]) -> Sequence[int]:
        assert SPENT.get() is None  # a batch is nobody's own
        begun.set()
        await go_on.wait()
        await asyncio.sleep(0.05)  # longer than a busy machine holds up one of the two before
        return entries

    batcher = Batcher[int, int](send, most=1)
    spent = [TimeSpent(), TimeSpent()]

    async def submit(number: int) -> int:
        SPENT.set(spent[number])
        return await batcher.submit(number)

    both = [asyncio.create_task(submit(number)) for number in (0, 1)]
    await begun.wait()
    assert batcher.waiting == 1
    go_on.set()
    await asyncio.gather(*both)
    assert spent[1].waiting_s >= spent[0].database_s > 0
    assert spent[0].waiting_s < spent[1].waiting_s


async def test_a_turn_that_has_to_be_waited_for_counts_as_waiting() -> None:
    lock, spent = KeyedLock(), TimeSpent()

    async def follow() -> None:
        SPENT.set(spent)
        async with lock.of("one"):
            pass

    async with lock.of("one"):
        second = asyncio.create_task(follow())
        await asyncio.sleep(0)
        assert spent.waiting_s == 0
    await second
    assert spent.waiting_s > 0


@pytest.mark.parametrize(
    ("buckets", "p50"),
    [
        ([], None),
        ([(0.1, 0.0), (float("inf"), 0.0)], None),
        ([(0.1, 10.0), (float("inf"), 10.0)], 50.0),
        ([(0.1, 4.0), (0.2, 8.0), (float("inf"), 8.0)], 100.0),
        ([(0.1, 2.0), (0.2, 10.0), (float("inf"), 10.0)], 137.5),
        ([(0.1, 1.0), (float("inf"), 10.0)], None),
    ],
    ids=["none", "no answers", "one bucket", "at an end", "within", "beyond the last"],
)
def test_half_of_the_answers_took_no_longer(
    buckets: Sequence[tuple[float, float]], p50: float | None
) -> None:
    assert quantile_ms(buckets, 0.5) == p50
