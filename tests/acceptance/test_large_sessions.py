"""Who changes many large sessions at once does not keep others waiting."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import asyncpg
import httpx
import pytest
from support.probe import live_s
from support.service_process import ADMIN, ServiceProcess, service

SESSIONS = 128
_GROW = """
UPDATE ai_session_info
   SET doc = jsonb_set(doc, '{actions}', (
           SELECT jsonb_agg(jsonb_build_object(
                      'action_id', n::text, 'proposed_at', '2026-01-01T00:00:00Z',
                      'function_name', 'f', 'arguments', repeat('"<&', 20000),
                      'description', repeat('"<&', 20000)))
             FROM generate_series(1, 8) AS n))
"""


@pytest.fixture(scope="module")
def served() -> Iterator[ServiceProcess]:
    """A service whose worker can be replaced by one that remembers nothing."""
    with service("--workers=1") as started:
        yield started


@pytest.fixture(scope="module")
def client(served: ServiceProcess) -> Iterator[httpx.Client]:
    """Calls the service as its administrator."""
    with httpx.Client(base_url=served.base_url, auth=ADMIN, timeout=120.0) as made:
        yield made


@pytest.fixture(scope="module")
def large(served: ServiceProcess, client: httpx.Client) -> Sequence[str]:
    """The ids of sessions of a mebibyte each, of which the service remembers nothing."""
    made = client.post("/api/NewAISession[]", json=[{"purpose": "p"}] * SESSIONS)
    assert made.status_code == 200, made.text
    (worker,) = served.workers()
    worker.kill()
    worker.wait()
    with asyncio.Runner() as runner:
        runner.run(grown(served))
    served.wait_until_ready()
    return [session["id"] for session in made.json()]


async def grown(served: ServiceProcess) -> None:
    owner = await asyncpg.connect(served.database_url)
    try:
        # Else compressing them takes longer than all the rest.
        await owner.execute("ALTER TABLE ai_session_info ALTER doc SET STORAGE EXTERNAL")
        await owner.execute(_GROW)
    finally:
        await owner.close()


def assert_others_are_answered(served: ServiceProcess, work: Callable[[], None]) -> None:
    quiet = max(live_s(served) for _ in range(20))
    with ThreadPoolExecutor(1) as thread:
        working = thread.submit(work)
        waits = [live_s(served)]
        while not working.done():
            waits.append(live_s(served))
        working.result()
    # Generous: one after the other in a single pass, they kept all others waiting for seconds.
    assert max(waits) < max(0.5, 20 * quiet), (max(waits), quiet)


def test_an_atomic_batch(
    served: ServiceProcess, client: httpx.Client, large: Sequence[str]
) -> None:
    def refuse() -> None:
        asked = [{"sessionId": session, "purpose": "x"} for session in large]
        answer = client.post("/api/PatchAISession[]?atomic=true", json=asked)
        assert answer.status_code == 400, answer.text
        assert "fewer at a time" in answer.text

    assert_others_are_answered(served, refuse)
