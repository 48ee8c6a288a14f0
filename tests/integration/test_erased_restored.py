"""A backup older than an erasure is restored, and the person stays forgotten."""

import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from msgspec.structs import replace
from support import database, given, tree_of
from support.backups import backed_up, restored
from support.erasures import CANARY, chatted, erased, everything, keys_of, opened
from support.histories import catch_up
from support.kept_lists import again_on, forgetting, listed_in

from app.care.restored_log import RestoredLog
from app.erasure import receipts
from app.erasure.again import Again
from app.erasure.listed import NotListed, read_lists
from app.history.one_event import Parts
from app.history.sessions import history, session_named
from app.maintenance.store import connected
from app.proof import signing
from app.proof.receipt import parse_receipts, show_receipt
from app.service import Service, open_service
from app.settings import SERVICE_ROLE, Settings
from domain.hold import LiftHold, PlaceHold

OTHER = "other-5521"


@pytest.fixture
async def empty(server_url: str) -> AsyncIterator[str]:
    """A second empty database."""
    async with database.created(server_url, f"sessionary_test_{secrets.token_hex(8)}") as url:
        yield url


BOTH = pytest.mark.parametrize("place", ["file", "folder"], indirect=True)


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where the list is kept: a file, unless a test wants a folder, too."""
    kept = tmp_path / "erasures"
    if getattr(request, "param", "file") == "folder":
        kept.mkdir()
    return kept


@pytest.fixture
async def listing(settings: Settings, place: Path, service: Service) -> AsyncIterator[Service]:
    """A worker that keeps a list, beside one that keeps none."""
    worker = await open_service(replace(settings, erasures_to=(place,)))
    yield worker
    await worker.close()


async def shown(settings: Settings, url: str, session_id: str) -> str:
    """All that is answered on a session."""
    service = await open_service(replace(settings, database_url=url))
    try:
        session = await session_named(service.reader, session_id)
        parts = Parts(changed=True, state=True, clear=True)
        return str([each async for each in history(service.reader, session.stream, parts=parts)])
    finally:
        await service.close()


async def receipted(settings: Settings, url: str, again: Again) -> list[str]:
    """The sessions in the receipts of what was erased again."""
    service = await open_service(replace(settings, database_url=url))
    try:
        await tree_of.caught_up(service)
        keys = [
            key
            for partition in range(service.log.partitions)
            for key in await signing.vkeys(service.pool, partition)
        ]
        found = []
        for each in again.receipts:
            line = await receipts.signed(service.log, service.settings, UUID(each), 0)
            assert "Erased before, by the erasure" in line
            (receipt,) = parse_receipts(line.encode())
            assert len(show_receipt(receipt, keys)[0]) == 2
            found += [told["sessionId"] for told in receipt.body["sessions"]]
        return found
    finally:
        await service.close()


@BOTH
async def test_who_was_erased_after_the_backup_stays_forgotten(
    listing: Service, settings: Settings, database_url: str, empty: str, tmp_path: Path, place: Path
) -> None:
    session, chat, stays = (
        await opened(listing),
        await chatted(listing),
        await opened(listing, OTHER),
    )
    await catch_up(listing)
    header = await backed_up(database_url, tmp_path / "b")
    late = await opened(listing)
    for each in (session, chat, late):
        await erased(listing, each)
    done = await restored(empty, tmp_path / "b", tmp_path, forgetting(place))
    assert done.differences == []
    assert done.again is not None
    assert (done.again.erased, done.again.absent, done.again.left) == ([session, chat], 1, [])
    owner = await asyncpg.connect(empty)
    try:
        text = await everything(owner)
        assert CANARY not in text
        assert f"{OTHER} two" in text
        events = await owner.fetchval("SELECT count(*) FROM stored_events")
        assert events == sum(header.positions.values()) + 2
    finally:
        await owner.close()
    assert sorted(await receipted(settings, empty, done.again)) == sorted([session, chat])
    for each in (session, chat):
        assert CANARY not in await shown(settings, empty, each)
    assert f"{OTHER} one" in await shown(settings, empty, stays)


async def test_nobody_but_the_owner_reads_it_before_that(
    listing: Service, database_url: str, empty: str, tmp_path: Path, place: Path
) -> None:
    await opened(listing)
    await backed_up(database_url, tmp_path / "b")
    seen = []

    async def forget(log: RestoredLog) -> Again:
        async with connected(empty, role=SERVICE_ROLE) as other:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await other.ask("SELECT FROM ai_session_info")
            seen.append(await log.pool.ask("SELECT FROM ai_session_info"))
        return Again()

    await restored(empty, tmp_path / "b", tmp_path, forget)
    async with connected(empty, role=SERVICE_ROLE) as other:
        assert seen == [await other.ask("SELECT FROM ai_session_info")] != [[]]


async def test_without_the_list_it_is_there_again_until_the_list_is_given(
    listing: Service, settings: Settings, database_url: str, empty: str, tmp_path: Path, place: Path
) -> None:
    session = await opened(listing)
    await backed_up(database_url, tmp_path / "b")
    await erased(listing, session)
    assert (await restored(empty, tmp_path / "b", tmp_path)).again is None
    assert CANARY in await shown(settings, empty, session)
    service = await open_service(replace(settings, database_url=empty))
    assert (await again_on(service, place)).erased == [session]
    second = await again_on(service, place)
    assert (second.erased, second.already) == ([], 1)
    await service.close()
    assert CANARY not in await shown(settings, empty, session)


async def test_an_erasure_that_cannot_be_listed_is_not_begun(
    settings: Settings, service: Service, tmp_path: Path, owner: asyncpg.Connection
) -> None:
    worker = await open_service(replace(settings, erasures_to=(tmp_path / "no" / "list",)))
    session = await opened(worker)
    with pytest.raises(NotListed, match="nothing is erased"):
        await erased(worker, session)
    assert CANARY in await everything(owner)
    await worker.close()


async def test_one_that_was_begun_and_not_done_is_done_unless_it_is_on_hold(
    listing: Service, place: Path
) -> None:
    begun, held = await opened(listing), await opened(listing)
    for each in (begun, held):
        await listed_in(listing, place, each)
    await listing.commands.handle(PlaceHold(target=held, reason="a lawsuit"), given.call())
    done = await again_on(listing, place)
    assert done.erased == [begun]
    (sentence,) = done.left
    assert f"{held} is on hold" in sentence


async def test_a_hold_that_was_lifted_since_does_not_keep_what_was_erased(
    listing: Service, settings: Settings, database_url: str, empty: str, tmp_path: Path, place: Path
) -> None:
    session = await opened(listing)
    await listing.commands.handle(PlaceHold(target=session, reason="a lawsuit"), given.call())
    await backed_up(database_url, tmp_path / "b")
    await listing.commands.handle(LiftHold(target=session, reason="won"), given.call())
    await erased(listing, session)
    done = await restored(empty, tmp_path / "b", tmp_path, forgetting(place))
    assert done.again is not None
    assert (done.again.erased, done.differences) == ([session], [])
    assert CANARY not in await shown(settings, empty, session)


async def test_another_session_of_the_number_and_another_log_are_left_alone(
    listing: Service, tmp_path: Path, owner: asyncpg.Connection
) -> None:
    session, kept = await opened(listing), tmp_path / "lines"
    await listed_in(listing, kept, session)
    line = read_lists([kept]).lines[0]
    text = kept.read_text()
    kept.write_text(text.replace(str(line.first_event_id), str(line.stream)))
    assert (await again_on(listing, kept)).absent == 1
    kept.write_text(text.replace(line.log, "another"))
    (sentence,) = (await again_on(listing, kept)).left
    assert "another" in sentence
    stream = (await session_named(listing.reader, session)).stream
    assert CANARY in await everything(owner)
    assert len(await keys_of(owner, stream)) > 9


async def test_a_line_that_was_cut_off_is_told_and_the_next_one_is_whole(
    listing: Service, tmp_path: Path
) -> None:
    first, second, kept = await opened(listing), await opened(listing), tmp_path / "lines"
    await listed_in(listing, kept, first)
    kept.write_bytes(kept.read_bytes() + kept.read_bytes()[:50])
    await listed_in(listing, kept, second)
    done = await again_on(listing, kept)
    assert sorted(done.erased) == sorted([first, second])
    assert done.left == [f"Line 2 of {kept} is not of an erasure, or was cut off"]


@BOTH
@database.ONE_PARTITION
async def test_a_list_holds_nothing_personal(listing: Service, place: Path) -> None:
    session = await chatted(listing)
    await erased(listing, session, reason=f"because of {OTHER}")
    files = sorted(place.iterdir()) if place.is_dir() else [place]
    text = "".join(file.read_text() for file in files)
    assert session in text
    assert CANARY not in text
    assert OTHER not in text
    assert all(file.stat().st_mode & 0o077 == 0 for file in files)
    positions = [line.position for line in read_lists([place]).lines]
    assert positions == (["0:5"] if place.is_dir() else [None, "0:5"])
