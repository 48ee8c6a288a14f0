"""Lists, past moments and audits on a standby: which of them, and never less than must be seen."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from msgspec.structs import replace
from support.in_process import PASSWORD
from support.patience import patient
from support.reads import SESSIONS, Counted, Worker, held
from support.streaming import Streaming, streaming, with_log

from app.http.conditions import seen
from app.maintenance import users
from app.maintenance.store import Connection

SHORT_S = 0.3
LONG_S = 3.0
BY_STANDBY = (
    SESSIONS, "/accounts", "/json/reply/ListAISessions", f"{SESSIONS}?asOf=now",
    f"{SESSIONS}/ID?asOf=now", "/api/v1/ChatSession", "/api/v1/ChatSession/ForCurrentUser",
    "/audit/events?actor=kim", "/audit/events/0:2", "/audit/sessions/ID",
    "/audit/sessions/ID/history", "/audit/sessions/ID/provenance",
    "/audit/sessions/ID/diff?from=1", "/audit/sessions/ID/views", "/audit/access",
)  # fmt: skip
BEHIND = """
SELECT count(*) AS followers
  FROM log_partition AS h
  JOIN follower_checkpoint AS f USING (partition)
 WHERE f.position < h.position
"""
BY_PRIMARY = (f"{SESSIONS}/ID", "/audit/feed", "/audit/receipts", "/users", "/ops/status")


@pytest.fixture(scope="module")
def servers() -> Iterator[Streaming]:
    with with_log() as primary, streaming(primary) as both:
        yield both


@pytest.fixture(scope="module")
async def one(servers: Streaming) -> AsyncIterator[Worker]:
    """A worker that waits for the standby as long as it may take on a busy machine."""
    async with held(replace(servers.settings, read_wait_s=LONG_S)) as made:
        await followed(made)
        yield made


@pytest.fixture(scope="module")
async def hasty(servers: Streaming) -> AsyncIterator[Worker]:
    """One that soon asks the primary, and for every credential again."""
    settings = replace(servers.settings, read_wait_s=SHORT_S, credential_ttl_s=0.0)
    async with held(settings) as made:
        yield made


async def comes_up(worker: Worker) -> None:
    """Return when the worker has found out by itself that its standby can be read."""
    async with asyncio.timeout(patient(30.0)):
        while worker.standby.standing.state != "read":
            await asyncio.sleep(0.02)


async def followed(worker: Worker) -> None:
    """Return when followers have begun, and so make histories from now on."""
    await worker.opened("followed")
    async with asyncio.timeout(patient(60.0)):
        while (await worker.client.get(f"{SESSIONS}?asOf=now")).status_code != 200:
            await asyncio.sleep(0.05)


async def caught_up(servers: Streaming, worker: Worker) -> None:
    """Return when the standby has all that is there, and all that followers make of it."""
    async with asyncio.timeout(patient(60.0)):
        while (await worker.service.pool.ask(BEHIND))[0]["followers"]:
            await asyncio.sleep(0.02)
    await servers.caught_up()


async def test_reads_of_what_was_appended_are_answered_by_the_standby(
    servers: Streaming, one: Worker
) -> None:
    session, found = await one.opened("which"), {}
    for path in BY_STANDBY + BY_PRIMARY:
        counted = Counted()
        answer = await one.client.get(path.replace("ID", session))
        assert answer.status_code == 200, answer.text
        found[path] = list(counted.results.items())
    by_standby, by_primary = [("answered", 1.0)], list[tuple[str, float]]()
    assert found == {
        **{path: by_standby for path in BY_STANDBY},
        **{path: by_primary for path in BY_PRIMARY},
    }


async def test_without_a_position_a_read_shows_all_that_the_primary_does(
    servers: Streaming, hasty: Worker
) -> None:
    counted = Counted()
    async with servers.paused():
        await hasty.opened("since the pause")
        assert "since the pause" in await hasty.purposes()
        assert counted.results
        assert "answered" not in counted.results
        assert hasty.standby.standing.state != "read"
    await comes_up(hasty)


async def test_with_a_position_a_read_shows_that_at_least(
    servers: Streaming, one: Worker, hasty: Worker
) -> None:
    await one.opened("seen")
    seen = await one.position()
    await caught_up(servers, one)
    async with servers.paused():
        await one.opened("not seen")
        counted = Counted()
        shown = await one.purposes(seen)
        assert "seen" in shown
        assert "not seen" not in shown
        assert counted.results == {"answered": 1.0}
        assert "not seen" in await hasty.purposes(await one.position())


@pytest.mark.parametrize("position", ["x", "17", "0:1,", "99:1", "0:-1", "0:" + "9" * 40])
def test_a_position_that_cannot_be_read_counts_as_none(position: str) -> None:
    assert seen(position.encode()) == {}


def test_of_several_positions_of_a_partition_the_last_one_counts() -> None:
    assert seen(b"0:17, 1:5,0:3") == {0: 17, 1: 5}


async def test_what_an_older_standby_does_not_know_is_asked_of_the_primary(
    servers: Streaming, one: Worker
) -> None:
    before = {"X-Log-Position": await one.position()}
    await caught_up(servers, one)
    async with servers.paused():
        session = await one.opened("only there")
        end, counted = await one.position(), Counted()
        for path in (
            f"/audit/events/{end}",
            f"/audit/sessions/{session}/history",
            f"{SESSIONS}/{session}?asOf={end}",
        ):
            found = await one.client.get(path, headers=before)
            assert found.status_code == 200, found.text
    assert counted.results["answered"] > 0


async def test_a_past_list_goes_up_to_its_moment_whatever_the_standby_has(
    servers: Streaming, hasty: Worker
) -> None:
    """The histories, too: those on the standby end before."""
    await caught_up(servers, hasty)
    async with servers.paused():
        await hasty.opened("at that moment")
        end = await hasty.position()
        await followed(hasty)
        for moment in (end, "now"):
            assert "at that moment" in await hasty.purposes(query=f"&asOf={moment}")


async def test_erased_values_are_shown_by_no_worker_from_then_on(
    servers: Streaming, one: Worker, hasty: Worker
) -> None:
    """Not even to a client who says that less was seen, and not by a worker that did not erase."""
    session, position = await one.opened("Yolanda"), await one.position()
    reads = (
        f"{SESSIONS}?take=1000",
        f"/audit/sessions/{session}/history?personal=true&reason=test",
        f"{SESSIONS}/{session}?asOf={position}",
    )

    async def shown() -> list[str]:
        asked = {"X-Log-Position": position}
        found = [await one.client.get(path, headers=asked) for path in reads]
        assert [each.status_code for each in found] == [200] * len(reads)
        return [each.text for each in found]

    await caught_up(servers, one)
    async with servers.paused():
        counted = Counted()
        assert ["Yolanda" in text for text in await shown()] == [True] * len(reads)
        assert counted.results["answered"] > 0
        erased = await hasty.client.request(
            "DELETE",
            f"/audit/sessions/{session}/personal-data",
            json={"reason": "asked to"},
            auth=httpx.BasicAuth("max", PASSWORD),
        )
        assert erased.status_code == 200, erased.text
        assert ["Yolanda" in text for text in await shown()] == [False] * len(reads)


async def test_who_was_removed_is_let_in_by_no_standby(servers: Streaming, hasty: Worker) -> None:
    as_guest = httpx.BasicAuth("guest", PASSWORD)
    async with servers.on(servers.primary) as owner:
        await users.add(Connection(owner), "guest", ["SystemAdministrator"], PASSWORD)
        asked = {"X-Log-Position": await hasty.position()}
        await caught_up(servers, hasty)
        async with servers.paused():
            found = await hasty.client.get(SESSIONS, headers=asked, auth=as_guest)
            assert found.status_code == 200
            await users.remove(Connection(owner), "guest")
            found = await hasty.client.get(SESSIONS, headers=asked, auth=as_guest)
            assert found.status_code == 401
