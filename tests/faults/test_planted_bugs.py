"""The kills and their checks find bugs: each is planted in a service of its own, and reported."""

import asyncio
import os
import random
from pathlib import Path

import pytest
from support import kills, planted
from support.service_process import service

ROUNDS = 5
"""A kill may miss the gap that a bug opens; so many in a row do not."""
LONG = pytest.mark.skipif(
    not os.environ.get("SESSIONARY_FAULT_PLANTED"),
    reason="may take a minute: SESSIONARY_FAULT_PLANTED=1",
)


@pytest.mark.parametrize(
    ("bug", "kill", "said"),
    [
        (planted.answer_before_commit, kills.of_the_database, "acknowledged, and lost"),
        (planted.no_idempotency_key, kills.of_the_service, "done 2 times"),
        (planted.order_of_a_sequence, None, "the feed has skipped"),
        pytest.param(
            planted.checkpoint_apart, kills.of_the_service, "None in the histories", marks=LONG
        ),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
async def test_a_planted_bug_is_found(
    bug: planted.Plant, kill: kills.Kill | None, said: str, tmp_path: Path
) -> None:
    moments, found = random.Random(1), ""
    book = tmp_path / "ledger.ndjson"
    with planted.planted(bug) as environment, service("--workers=2", environment=environment) as it:
        for _ in range(ROUNDS):
            run = await kills.under_load(it, book, [] if kill is None else [kill], moments)
            found = "\n".join(await kills.owed(it, book, run))
            if said in found:
                break
        await asyncio.to_thread(it.stop)
    assert said in found
