"""A reader of the feed that has seen a position has seen everything up to it."""

import asyncio

import pytest
from support import given
from support.database import ONE_PARTITION
from support.patience import patient

from app.log.keyring import Keyring
from app.log.read import heads, read_feed
from app.service import Service
from domain.ai_session import AISessionPatched
from projections.fold import Recorded

WRITERS = 16
PATCHES_EACH = 12


async def read(service: Service, after: int, until: int) -> list[Recorded]:
    keyring = Keyring(service.settings.master_key)
    pages = read_feed(service.pool, keyring, 0, after=after, until=until)
    return [recorded async for page in pages for recorded in page]


@ONE_PARTITION
async def test_a_reader_sees_everything_up_to_the_head_while_others_write(
    service: Service, other_service: Service
) -> None:
    async def write(number: int) -> None:
        own = (service, other_service)[number % 2]
        session = given.session_of(await given.open_ai_session(own))
        for patch in range(PATCHES_EACH):
            await given.patch_ai_session(own, session, f"purpose {patch}")

    async def follow() -> list[Recorded]:
        seen: list[Recorded] = []
        while len(seen) < WRITERS * (1 + PATCHES_EACH):
            head = (await heads(other_service.pool))[0]
            seen += await read(other_service, after=len(seen), until=head.position)
            assert [each.position for each in seen] == list(range(1, head.position + 1))
        return seen

    async with asyncio.timeout(patient(60)), asyncio.TaskGroup() as everybody:
        reader = everybody.create_task(follow())
        for number in range(WRITERS):
            everybody.create_task(write(number))
    seen = reader.result()
    streams: dict[object, list[int]] = {}
    for recorded in seen:
        streams.setdefault(recorded.stream, []).append(recorded.version)
    assert list(streams.values()) == [list(range(1, 2 + PATCHES_EACH))] * WRITERS


@ONE_PARTITION
async def test_a_feed_comes_in_pages_of_a_bounded_size(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.log.read.PAGE_EVENTS", 3)
    session = given.session_of(await given.open_ai_session(service))
    for number in range(7):
        await given.patch_ai_session(service, session, f"purpose {number}")
    keyring = Keyring(service.settings.master_key)
    pages = [page async for page in read_feed(service.pool, keyring, 0, after=1, until=7)]
    assert [[each.position for each in page] for page in pages] == [[2, 3, 4], [5, 6, 7]]


@ONE_PARTITION
async def test_a_feed_gives_events_opened_with_who_and_when(service: Service) -> None:
    created = await given.open_ai_session(service, purpose="triage")
    patched = await given.patch_ai_session(
        service, given.session_of(created), "billing", given.call("pat")
    )
    _, recorded = await read(service, after=0, until=2)
    assert recorded.event == AISessionPatched(purpose="billing")
    assert (recorded.stream, recorded.version) == (created.folded.stream, 2)
    assert (recorded.actor, recorded.recorded_at) == ("pat", patched.folded.audit.modified_at)


async def test_an_empty_log_has_no_pages(service: Service) -> None:
    assert await read(service, after=0, until=0) == []
    assert await read(service, after=0, until=9) == []
