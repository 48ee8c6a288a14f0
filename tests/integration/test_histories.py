"""The histories of the views and the index of events equal a fold of the log."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from uuid import UUID, uuid4

import asyncpg
import pytest
from click.testing import CliRunner
from support import given
from support.database import ONE_PARTITION, SEVERAL, write_master_key
from support.histories import (
    LASTS,
    assert_equal_to_the_log,
    audited,
    catch_up,
    follower,
    index_expected,
    indexed,
    kept,
    mixed,
)
from support.patience import patient

from app.cli.main import main
from app.followers import follower as following
from app.followers import history
from app.followers.pace import Pace
from app.followers.reset import reset
from app.history import segments
from app.history.followed import NotYet, reached, wait_for
from app.history.moments import present_cut
from app.history.terms import SHALLOW_EVENTS, Terms
from app.maintenance.store import Connection
from app.service import Service

PARTITIONS = pytest.mark.parametrize("partitions", [1, SEVERAL], ids=["one", "several"])


@PARTITIONS
async def test_they_have_each_version_of_each_row_and_each_term_of_each_event(
    service: Service, other_service: Service, owner: asyncpg.Connection
) -> None:
    await mixed(service, 1, 30)
    assert await catch_up(service) == sum(await present_cut(service.pool))
    await assert_equal_to_the_log(service, owner)
    await mixed(other_service, 2, 10)
    await catch_up(other_service)  # which begins with what the first one left
    assert await catch_up(service) == 0
    await assert_equal_to_the_log(service, owner)


async def test_they_go_on_after_a_segment_and_in_a_deep_stream(
    service: Service, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "POSITIONS", 64)
    monkeypatch.setattr(segments, "BITMAP_BYTES", 8)
    session = given.session_of(await given.open_ai_session(service))
    for number in range(3 * SHALLOW_EVENTS):
        await given.patch_ai_session(service, session, f"purpose {number}")
        if number % 50 == 0:
            await catch_up(service)
    await catch_up(service)
    await assert_equal_to_the_log(service, owner)


@PARTITIONS
async def test_nothing_is_lost_or_doubled_by_followers_that_are_killed_and_that_race(
    service: Service,
    other_service: Service,
    owner: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(following, "BATCH_EVENTS", 7)
    random = Random(3)
    writing = asyncio.ensure_future(mixed(service, 3, 60))
    while not writing.done() or await reached(service.pool) != await present_cut(service.pool):
        racing = [
            asyncio.ensure_future(follower(each).round()) for each in (service, other_service) * 2
        ]
        await asyncio.sleep(random.random() * 0.05)
        # The lease passes on while its holder is at work, as after a pause of its process.
        await owner.execute("UPDATE lease SET until = now() WHERE name = 'follow_history'")
        await asyncio.sleep(random.random() * 0.05)
        for each in racing:
            if random.random() < 0.5:
                each.cancel()
        await asyncio.gather(*racing, return_exceptions=True)
    await writing
    await assert_equal_to_the_log(service, owner)


@ONE_PARTITION
async def test_a_batch_of_one_that_was_overtaken_changes_nothing(
    service: Service, other_service: Service, owner: asyncpg.Connection
) -> None:
    await mixed(service, 4, 5)
    pace = Pace(1.0, lambda: 0)
    for each in (service, other_service):
        work = history.History(each.log, pace)
        events = await audited(each)
        batch, upto = await work.prepare(0, events)
        for token, done in ((6, False), (7, each is service)):
            await owner.execute(
                "INSERT INTO lease VALUES ('follow_history', gen_random_uuid(), now(), 7)"
                " ON CONFLICT DO NOTHING"
            )
            assert await work.write(0, 0, upto, batch, token) == done
    await assert_equal_to_the_log(service, owner)


@ONE_PARTITION
async def test_a_batch_of_events_that_the_log_has_not_changes_nothing(
    service: Service, owner: asyncpg.Connection
) -> None:
    await mixed(service, 5, 3)
    work = history.History(service.log, Pace(1.0, lambda: 0))
    batch, upto = await work.prepare(0, await audited(service))
    await owner.execute("INSERT INTO lease VALUES ('follow_history', gen_random_uuid(), now(), 7)")
    batch.last = uuid4()
    assert not await work.write(0, 0, upto, batch, 7)
    assert await reached(service.pool) == (0,)


async def test_those_that_go_beyond_the_log_are_made_anew(
    service: Service, owner: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    await mixed(service, 6, 3)
    await catch_up(service)
    await owner.execute("UPDATE follower_checkpoint SET position = position + 1000")
    assert await catch_up(service) == 0
    assert "history went beyond the log, and begins anew" in caplog.text
    assert await catch_up(service) == sum(await present_cut(service.pool))
    await assert_equal_to_the_log(service, owner)


async def test_they_are_made_again_from_the_log(
    service: Service, owner: asyncpg.Connection, store: Connection
) -> None:
    await mixed(service, 5, 10)
    await catch_up(service)
    await owner.execute("UPDATE ai_session_info_history SET until = 1")
    await reset(store, history.NAME)
    assert (await kept(owner), await indexed(owner)) == ({}, {})
    assert await catch_up(service) == sum(await present_cut(service.pool))
    await assert_equal_to_the_log(service, owner)


REACH = """
SELECT partition, segment,
       max(created_at) OVER upto, max(number) OVER upto, max(requested) OVER upto
  FROM (SELECT partition, position / 512 AS segment, max(created_at) AS created_at,
               max(number) AS number, max(requested) AS requested
          FROM (SELECT partition, position, created_at, chat_session_id AS number,
                       coalesce(when_requested, 0) AS requested
                  FROM chat_session_entity_history
                 UNION ALL
                SELECT partition, position, created_at, 0, 0 FROM ai_session_info_history
                 UNION ALL
                SELECT partition, position, created_at, 0, 0 FROM account_info_history) AS row
         GROUP BY 1, 2) AS segment
WINDOW upto AS (PARTITION BY partition ORDER BY segment)
 ORDER BY partition, segment
"""
"""The greatest values up to the end of each segment in which rows began."""


async def test_they_say_how_far_values_reach_up_to_each_segment(
    service: Service, owner: asyncpg.Connection
) -> None:
    await mixed(service, 8, 150)
    await catch_up(service)
    await mixed(service, 9, 100)
    await catch_up(service)
    found = await owner.fetch("TABLE history_reach ORDER BY partition, segment")
    assert len(found) > 1
    assert found == await owner.fetch(REACH)


@pytest.fixture
async def followed(service: Service) -> Service:
    """A worker that has followed a log to its end."""
    await mixed(service, 6, 2)
    await catch_up(service)
    return service


@pytest.fixture
async def made_again(followed: Service, owner: asyncpg.Connection) -> AsyncIterator[None]:
    """Afterwards, the histories are as before, in other tables, and the worker goes on."""
    before, found = await kept(owner), await reached(followed.pool)
    table = await owner.fetchval("SELECT 'ai_session_info_history'::regclass::oid")
    yield
    assert (await kept(owner), await reached(followed.pool)) == (before, found)
    assert await owner.fetchval("SELECT 'ai_session_info_history'::regclass::oid") != table
    await given.open_ai_session(followed)
    await catch_up(followed)
    await assert_equal_to_the_log(followed, owner)


@pytest.mark.usefixtures("made_again")
def test_the_operator_has_them_made_again(database_url: str, tmp_path: Path) -> None:
    write_master_key(tmp_path / "master.key")
    options = [f"--database-url={database_url}", f"--data-dir={tmp_path}"]
    line = ["rebuild", "history", "--allow-unsafe-database", *options]
    ended = CliRunner().invoke(main, line)
    assert (ended.exit_code, ended.stdout) == (0, ""), ended.stderr
    assert "history: made anew from the log" in ended.stderr


@ONE_PARTITION
async def test_a_stream_that_cannot_be_read_ends_there_and_no_other_does(
    service: Service, owner: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    opened = [await given.open_ai_session(service, purpose="triage") for _ in range(3)]
    broken = opened[0].folded.stream
    await catch_up(service)
    for each in opened:
        await given.patch_ai_session(service, given.session_of(each), "billing")
    await owner.execute("DELETE FROM stream_key WHERE stream_id = $1", broken)
    with caplog.at_level(logging.WARNING):
        await catch_up(service)
        await given.patch_ai_session(service, given.session_of(opened[0]), "closing")
        work = follower(service)  # which remembers the stream
        for _ in range(2):
            await work.round()
            await given.patch_ai_session(service, given.session_of(opened[1]), "closing")
        await work.stop()
    assert [str(broken) in message for message in caplog.messages] == [True]
    rows = await owner.fetch(
        "SELECT position, until FROM ai_session_info_history WHERE stream_id = $1", broken
    )
    assert [tuple(row) for row in rows] == [(1, 4)]
    terms = Terms(service.log.fingerprint)
    await catch_up(service)
    found = await indexed(owner)
    assert found[0, terms.term("field", "purpose")] == set(await present_cut(service.pool)) | set(
        range(1, (await present_cut(service.pool))[0])
    )


@ONE_PARTITION
async def test_a_row_that_the_database_refuses_holds_up_no_other_stream(
    service: Service, owner: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    await owner.execute(
        "ALTER TABLE ai_session_info_history ADD CHECK (doc ->> 'purpose' NOT LIKE 'refused%')"
    )
    first = await given.open_ai_session(service, purpose="refused at once")
    later = await given.open_ai_session(service, purpose="triage")
    others = []
    for number in range(30):
        others.append(given.session_of(await given.open_ai_session(service)))
        if number == 9:
            await given.patch_ai_session(service, given.session_of(later), "refused later")
    for each in (first, later):
        await given.patch_ai_session(service, given.session_of(each), "taken again")
    following = asyncio.ensure_future(follower(service).keep_following())
    await wait_for(service.pool, await present_cut(service.pool), patient(10.0))
    following.cancel()
    await asyncio.wait([following])
    assert len([message for message in caplog.messages if "kept only up to" in message]) == 2
    rows = {place[1]: row[-1] for place, row in (await kept(owner)).items()}
    assert rows.pop(later.folded.stream) == 13
    assert rows == {UUID(session): LASTS for session in others}
    assert await indexed(owner) == await index_expected(service)


async def test_who_needs_a_moment_waits_for_it_briefly(service: Service) -> None:
    await mixed(service, 7, 3)
    cut = await present_cut(service.pool)
    with pytest.raises(NotYet) as not_yet:
        await wait_for(service.pool, cut, 0.05)
    assert not_yet.value.behind == sum(cut)
    waiting = asyncio.ensure_future(wait_for(service.pool, cut, 60.0))
    await catch_up(service)
    await waiting
