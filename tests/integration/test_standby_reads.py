"""Lists, past moments and audits on a standby: which of them, and never less than must be seen."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from msgspec.structs import replace
from support.in_process import PASSWORD
from support.patience import patient
from support.reads import SESSIONS, Counted, Worker, worker
from support.streaming import Streaming, streaming, with_log

from app.maintenance import users
from app.maintenance.store import Connection

SHORT_S = 0.3


@pytest.fixture(scope="module")
def servers() -> Iterator[Streaming]:
    with with_log() as primary, streaming(primary) as both:
        yield both


@pytest.fixture(scope="module")
async def one(servers: Streaming) -> AsyncIterator[Worker]:
    """A worker that waits for the standby as long as it may take."""
    async with worker(servers.settings) as made:
        await followed(made)
        yield made


@pytest.fixture
async def hasty(servers: Streaming) -> AsyncIterator[Worker]:
    """One that soon asks the primary, and every credential again."""
    async with worker(replace(servers.settings, read_wait_s=SHORT_S, credential_ttl_s=0.0)) as made:
        async with asyncio.timeout(patient(30.0)):
            while made.standby.standing.state != "read":
                await made.standby.look()
        yield made


async def followed(worker: Worker) -> None:
    """Return when followers have begun, and so make histories from now on."""
    await worker.opened("followed")
    async with asyncio.timeout(patient(60.0)):
        while (await worker.client.get(f"{SESSIONS}?asOf=now")).status_code != 200:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("path", "answered"),
    [
        (SESSIONS, True),
        ("/accounts", True),
        ("/api/v1/ChatSession", True),
        ("/api/v1/ChatSession/ForCurrentUser", True),
        ("/json/reply/ListAISessions", True),
        (f"{SESSIONS}?asOf=now", True),
        (f"{SESSIONS}/ID?asOf=now", True),
        ("/audit/events?actor=kim", True),
        ("/audit/events/0:2", True),
        ("/audit/sessions/ID", True),
        ("/audit/sessions/ID/history", True),
        ("/audit/sessions/ID/provenance", True),
        ("/audit/sessions/ID/diff?from=1", True),
        ("/audit/sessions/ID/views", True),
        ("/audit/access", True),
        (f"{SESSIONS}/ID", False),
        ("/audit/feed", False),
        ("/audit/receipts", False),
        ("/users", False),
        ("/ops/status", False),
    ],
)
async def test_reads_of_what_was_appended_are_answered_by_the_standby(
    one: Worker, path: str, answered: bool
) -> None:
    session, counted = await one.opened("which"), Counted()
    found = await one.client.get(path.replace("ID", session))
    assert found.status_code == 200, found.text
    assert counted.results == ({"answered": 1.0} if answered else {})


async def test_without_a_position_a_read_shows_all_that_the_primary_does(
    servers: Streaming, hasty: Worker
) -> None:
    counted = Counted()
    async with servers.paused():
        await hasty.opened("since the pause")
        assert "since the pause" in await hasty.purposes()
    assert counted.results == {"behind": 1.0}


async def test_one_that_is_behind_is_asked_again_once_it_has_come_up(
    servers: Streaming, hasty: Worker
) -> None:
    async with servers.paused():
        await hasty.opened("behind")
        await hasty.purposes()
        assert hasty.standby.standing.state == "behind"
    async with asyncio.timeout(patient(30.0)):
        while hasty.standby.standing.state != "read":
            await asyncio.sleep(0.02)  # (its own look finds out)
    counted = Counted()
    assert "behind" in await hasty.purposes()
    assert counted.results == {"answered": 1.0}


async def test_with_a_position_a_read_shows_that_at_least(
    servers: Streaming, hasty: Worker
) -> None:
    await hasty.opened("seen")
    seen = await hasty.position()
    await servers.caught_up()
    async with servers.paused():
        await hasty.opened("not seen")
        counted = Counted()
        shown = await hasty.purposes(seen)
        assert "seen" in shown
        assert "not seen" not in shown
        assert counted.results == {"answered": 1.0}
        assert "not seen" in await hasty.purposes(await hasty.position())
        assert counted.results == {"answered": 1.0, "behind": 1.0}


@pytest.mark.parametrize("position", ["", "x", "17", "0:", "0:1,", "99:1", "0:-1", "0:" + "9" * 40])
async def test_a_position_that_cannot_be_read_counts_as_none(
    servers: Streaming, hasty: Worker, position: str
) -> None:
    async with servers.paused():
        await hasty.opened(f"beside {position}")
        assert f"beside {position}" in await hasty.purposes(position)


async def test_what_an_older_standby_does_not_know_is_asked_of_the_primary(
    servers: Streaming, hasty: Worker
) -> None:
    seen = {"X-Log-Position": await hasty.position()}
    await servers.caught_up()
    async with servers.paused():
        session = await hasty.opened("only there")
        end = await hasty.position()
        for path in (
            f"/audit/events/{end}",
            f"/audit/sessions/{session}/history",
            f"{SESSIONS}?asOf={end}",
        ):
            found = await hasty.client.get(path, headers=seen)
            assert found.status_code == 200, found.text


async def test_a_past_list_goes_up_to_its_moment_whatever_the_standby_has(
    servers: Streaming, one: Worker, hasty: Worker
) -> None:
    """The histories, too: those on the standby end before."""
    await servers.caught_up()
    async with servers.paused():
        await hasty.opened("at that moment")
        end = await hasty.position()
        await followed(hasty)
        assert "at that moment" in await hasty.purposes(query=f"&asOf={end}")
        assert "at that moment" in await hasty.purposes(query="&asOf=now")


async def test_erased_values_are_shown_by_no_worker_from_then_on(
    servers: Streaming, one: Worker, hasty: Worker
) -> None:
    """Not even to a client who says that less was seen."""
    made = await hasty.client.post("/api/v1/ChatSession", json={"CustomerName": "Yolanda"})
    number, seen = made.json()["ChatSessionId"], {"X-Log-Position": made.headers["X-Log-Position"]}
    await servers.caught_up()
    reads = (
        f"/api/v1/ChatSession?$filter=ChatSessionId eq {number}",
        f"/audit/sessions/{number}/history?personal=true&reason=test",
        f"/api/v1/ChatSession/{number}?asOf={made.headers['X-Log-Position']}",
    )
    async with servers.paused():
        shown = [(await hasty.client.get(path, headers=seen)).text for path in reads]
        assert ["Yolanda" in text for text in shown] == [True] * 3
        erased = await one.client.request(
            "DELETE", f"/audit/sessions/{number}/personal-data", json={"reason": "asked to"},
            auth=httpx.BasicAuth("max", PASSWORD),
        )  # fmt: skip
        assert erased.status_code == 200, erased.text
        found = [await hasty.client.get(path, headers=seen) for path in reads]
        assert [each.status_code for each in found] == [200] * 3
        assert "Yolanda" not in "".join(each.text for each in found)


async def test_who_was_removed_is_let_in_by_no_standby(servers: Streaming, hasty: Worker) -> None:
    as_guest = httpx.BasicAuth("guest", PASSWORD)
    async with servers.on(servers.primary) as owner:
        await users.add(Connection(owner), "guest", ["SystemAdministrator"], PASSWORD)
        seen = {"X-Log-Position": await hasty.position()}
        await servers.caught_up()
        async with servers.paused():
            found = await hasty.client.get(SESSIONS, headers=seen, auth=as_guest)
            assert found.status_code == 200
            await users.remove(Connection(owner), "guest")
            found = await hasty.client.get(SESSIONS, headers=seen, auth=as_guest)
            assert found.status_code == 401
