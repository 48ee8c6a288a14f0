"""Date-times as they are shown and read in the time zone that a client asks for."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.documents import PUT_CHAT_SESSION as DOCUMENTED
from support.located import shown

from app.faces.superoffice.wire import zones
from app.faces.superoffice.wire.entity import read_entity
from app.faces.superoffice.wire.locale import Locale, locale_of
from domain.chat.carriers import Sale
from domain.chat.session import ChatSession
from domain.date_time import DateTime, ticks

NEW_YORK = ZoneInfo("America/New_York")
OSLO = ZoneInfo("Europe/Oslo")


@pytest.mark.parametrize(
    ("header", "zone", "tagged"),
    [
        (b"NO", "Europe/Oslo", False),
        (b" no ", "Europe/Oslo", False),
        (b"261", "Europe/Oslo", False),
        (b"US-NY, includeTZOffset", "America/New_York", True),
        (b"includetzoffset,us-ny", "America/New_York", True),
        (b"NO,INCLUDETZOFFSET", "Europe/Oslo", True),
        (b"europe/oslo", "Europe/Oslo", False),
        (b"UTC", "UTC", False),
        (b"1", "UTC", False),
        (b"nonsense, NO", "Europe/Oslo", False),
    ],
)
def test_a_time_zone_goes_by_code_number_or_iana_name(
    header: bytes, zone: str, tagged: bool
) -> None:
    assert locale_of({b"so-timezone": header}) == Locale(zone=ZoneInfo(zone), tagged=tagged)


@pytest.mark.parametrize(
    "header",
    [
        b"Narnia",
        b"../../etc/passwd",
        b"Europe",
        b"9999999999",
        b"\xff\x00,",
        b"NO" * 200,
        b",,,",
        b"-1",
        b"+01:00",
    ],
)
def test_an_odd_time_zone_is_ignored(header: bytes) -> None:
    assert locale_of({b"so-timezone": header}) is None


def test_no_header_leaves_an_answer_as_it_is_stored() -> None:
    assert locale_of({}) is None
    assert locale_of({b"so-timezone": b"", b"accept-language": b"*"}) is None
    entity = shown(read_entity(DOCUMENTED), {b"so-culture": b"nb"})
    assert entity["WhenIdle"] == "2024-03-22T16:32:47.1492785+01:00"


@pytest.mark.parametrize(
    ("header", "idle", "requested"),
    [
        (b"NO", "2024-03-22T16:32:47.1492785", "2018-07-01T14:00:00"),
        (
            b"NO, includeTZOffset",
            "2024-03-22T16:32:47.1492785+01:00",
            "2018-07-01T14:00:00+02:00",
        ),
        (b"UTC,includeTZOffset", "2024-03-22T15:32:47.1492785Z", "2018-07-01T12:00:00Z"),
        (b"US-NY", "2024-03-22T11:32:47.1492785", "2018-07-01T08:00:00"),
        (b"includeTZOffset", "2024-03-22T16:32:47.1492785+01:00", "2018-07-01T12:00:00Z"),
    ],
)
def test_date_times_are_shown_in_the_zone_that_is_asked_for(
    header: bytes, idle: str, requested: str
) -> None:
    state = ChatSession(
        when_idle=DateTime("2024-03-22T16:32:47.1492785+01:00"),
        when_requested=DateTime("2018-07-01T12:00:00"),
        sale=Sale(sale_date=DateTime("2018-07-01T12:00:00"), next_due_date=None),
    )
    entity = shown(state, {b"so-timezone": header})
    assert (entity["WhenIdle"], entity["WhenRequested"]) == (idle, requested)
    assert entity["Sale"] == {"SaleDate": requested, "NextDueDate": None}
    assert entity["WhenEnded"] == "0001-01-01T00:00:00"


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00",
        "0001-01-01T00:00:00.000Z",
        "0001-01-01T04:56:02.000Z",
        "9999-12-31T23:59:59.9999999",
        "2018-07-01",
    ],
)
def test_what_is_no_instant_is_in_no_zone(text: str) -> None:
    assert zones.to_zone(text, OSLO, tagged=True) == text
    assert zones.to_utc(text, OSLO) == text


def test_local_mean_time_has_no_offset_and_is_shown_in_utc() -> None:
    assert zones.to_zone("1800-01-01T00:00:00", NEW_YORK, tagged=True) == "1800-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2018-12-24T12:34:45", "2018-12-24T17:34:45"),
        ("2018-12-24T12:34:45.1234567", "2018-12-24T17:34:45.1234567"),
        ("2018-12-24T12:34:45Z", "2018-12-24T12:34:45Z"),
        ("2018-12-24T12:34:45+01:00", "2018-12-24T12:34:45+01:00"),
        ("2018-02-30T12:34:45", "2018-02-30T12:34:45"),
        ("soon", "soon"),
    ],
)
def test_a_date_time_without_an_offset_is_read_as_of_the_zone(text: str, expected: str) -> None:
    assert zones.to_utc(text, NEW_YORK) == expected


def test_an_entity_is_read_in_the_zone_that_it_is_shown_in() -> None:
    body = b'{"WhenIdle": "2018-12-24T12:34:45", "sale": {"saleDate": "2018-07-24T12:34:45"}}'
    state = read_entity(body, zone=NEW_YORK)
    assert state.when_idle == "2018-12-24T17:34:45"
    assert state.sale == Sale(sale_date=DateTime("2018-07-24T16:34:45"))
    assert shown(state, {b"so-timezone": b"US-NY"})["WhenIdle"] == "2018-12-24T12:34:45"


@settings(max_examples=50, deadline=None)
@given(
    st.datetimes(datetime.fromisoformat("1920-01-01"), datetime.fromisoformat("2037-01-01")),
    st.sampled_from(["America/New_York", "Asia/Kolkata", "Pacific/Chatham", "UTC"]),
)
def test_another_zone_is_the_same_instant(moment: datetime, zone: str) -> None:
    text = DateTime(moment.isoformat())
    assert ticks(DateTime(zones.to_zone(text, ZoneInfo(zone), tagged=True))) == ticks(text)
