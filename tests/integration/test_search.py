"""Searches find what a filter over the whole log finds, in its order, page by page."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from support import given
from support.database import SEVERAL
from support.histories import about, audited, catch_up, mixed

from app.history.followed import NotYet
from app.history.moments import cut_at, present_cut
from app.history.search import EventQuery, after_event, before_event, find
from app.history.terms import SHALLOW_EVENTS
from app.log.audited import AuditedEvent
from app.service import Service
from domain.ids import StreamId

pytestmark = pytest.mark.parametrize("partitions", [1, SEVERAL], ids=["one", "several"])
FILTERS = (
    "actor", "type", "operation", "face", "account", "field", "client", "request", "stream",
)  # fmt: skip
Told = list[tuple[AuditedEvent, set[tuple[str, str]]]]


def ordered(told: Told) -> Told:
    """By time, partition and position."""
    return sorted(told, key=lambda each: (each[0].recorded_at, each[0].partition, each[0].position))


def fitting(told: Told, wanted: dict[str, str]) -> list[AuditedEvent]:
    return [event for event, about_it in told if wanted.items() <= about_it]


def places(events: Sequence[AuditedEvent]) -> list[tuple[int, int]]:
    return [(event.partition, event.position) for event in events]


def queried(wanted: dict[str, str], **more: Any) -> EventQuery:
    values: dict[str, Any] = {**wanted, **more}
    if "stream" in wanted:
        values["stream"] = StreamId(UUID(wanted["stream"]))
    return EventQuery(**values)


async def pages(service: Service, wanted: dict[str, str], **more: Any) -> list[AuditedEvent]:
    """All events that fit, page by page."""
    found: list[AuditedEvent] = []
    while True:
        page = await find(service.log, queried(wanted, **more))
        found += page.events
        if not page.has_more:
            return found
        assert len(page.events) == more["limit"]
        more["after" if more.get("reverse") else "before"] = page.next


def tries(told: Told, random: Random) -> Iterator[dict[str, str]]:
    """Each filter alone and in pairs, and some of more."""
    for names in [*combinations(FILTERS, 1), *combinations(FILTERS, 2), ("actor", "type", "field")]:
        for _ in range(2):
            wanted: dict[str, str] = {}
            for name in names:
                values = sorted({value for _, each in told for key, value in each if key == name})
                # A value of an event that fits the others, mostly: else nothing would be found.
                likely = [
                    value for event, each in told if wanted.items() <= each
                    for key, value in each if key == name
                ]  # fmt: skip
                wanted[name] = random.choice(likely if likely and random.random() < 0.9 else values)
            yield wanted


@pytest.fixture
async def told(service: Service) -> Told:
    """A followed log of a few hundred events, one of its streams deep, and what each is about."""
    await mixed(service, 11, 30)
    session = given.session_of(await given.open_ai_session(service))
    for number in range(SHALLOW_EVENTS + 40):
        await given.patch_ai_session(service, session, f"purpose {number}")
    await mixed(service, 12, 30)
    await catch_up(service)
    return ordered(about(await audited(service)))


async def test_any_filters_find_what_they_find_in_the_whole_log(
    service: Service, told: Told
) -> None:
    random = Random(5)
    found = 0
    for wanted in tries(told, random):
        expected = places(fitting(told, wanted))
        found += len(expected)
        limit = random.choice([1, 3, 50, 1000])
        newest = await pages(service, wanted, limit=limit)
        assert places(newest) == expected[::-1], wanted
        oldest = await pages(service, wanted, limit=limit, reverse=True)
        assert places(oldest) == expected, wanted
    assert found > 1_000


async def test_pages_of_all_events_are_in_the_order_of_their_times(
    service: Service, told: Told
) -> None:
    everything = places([event for event, _ in told])
    assert places(await pages(service, {}, limit=37)) == everything[::-1]
    assert places(await pages(service, {}, limit=1000, reverse=True)) == everything


async def test_a_search_is_bounded_by_cuts_and_by_events(service: Service, told: Told) -> None:
    random = Random(6)
    for _ in range(30):
        (low, first), (high, last) = sorted(random.sample(list(enumerate(told)), 2), key=_nth)
        wanted = random.choice([{}, {"actor": "kim"}, {"field": "purpose"}])
        between = [event for event, about_it in told[low + 1 : high] if wanted.items() <= about_it]
        after = await after_event(service.log, *_place(first[0]))
        before = await before_event(service.log, *_place(last[0]))
        found = await find(service.log, queried(wanted, after=after, before=before, limit=1000))
        assert places(found.events) == places(between)[::-1]
        since, until = [await cut_at(service.pool, at[0].recorded_at) for at in (first, last)]
        by_cuts = queried(wanted, since=since, until=until, limit=1000)
        during = [
            event for event, about_it in told
            if first[0].recorded_at < event.recorded_at <= last[0].recorded_at
            and wanted.items() <= about_it
        ]  # fmt: skip
        assert places((await find(service.log, by_cuts)).events) == places(during)[::-1]


def _nth(each: tuple[int, Any]) -> int:
    return each[0]


def _place(event: AuditedEvent) -> tuple[int, int, Any]:
    return event.partition, event.position, event.recorded_at


async def test_fields_and_types_are_found_in_any_spelling(service: Service, told: Told) -> None:
    by_field = [
        places((await find(service.log, EventQuery(field=name))).events)
        for name in ("CustomerName", "customerName", "customer_name", "CUSTOMERNAME")
    ]
    assert by_field[0]
    assert by_field == [by_field[0]] * 4
    by_type = [
        places((await find(service.log, EventQuery(type=name))).events)
        for name in ("ai_session.patched.v1", "ai_session.patched")
    ]
    assert by_type[0] == by_type[1] != []


async def test_what_nothing_is_about_finds_nothing(service: Service, told: Told) -> None:
    for wanted in ({"actor": "nobody"}, {"actor": "kim", "request": "none"}):
        found = await find(service.log, queried(wanted))
        assert (found.events, found.has_more) == ([], False)
    unknown = EventQuery(stream=StreamId(UUID(int=7)), actor="kim")
    assert (await find(service.log, unknown)).events == []


async def test_a_search_sees_what_was_done_before_it_or_says_that_it_does_not_yet(
    service: Service, told: Told
) -> None:
    until = await present_cut(service.pool)
    await given.open_ai_session(service)
    with pytest.raises(NotYet):
        await find(service.log, EventQuery(actor="kim"), wait_s=0.0)
    assert (await find(service.log, EventQuery(actor="kim", until=until), wait_s=0.0)).events
    assert (await find(service.log, EventQuery(), wait_s=0.0)).events[0].version == 1
    await catch_up(service)
    (newest, *_) = (await find(service.log, EventQuery(actor="kim"), wait_s=0.0)).events
    assert newest.topic == "ai_session.created.v1"


async def test_the_index_tells_no_value(
    service: Service, told: Told, owner: asyncpg.Connection
) -> None:
    text = await owner.fetchval("SELECT string_agg(e::text, '|') FROM event_index AS e")
    assert not [actor for actor in ("kim", "max", "192.0.2.1") if actor in text]
