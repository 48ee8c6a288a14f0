from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from documents import PUT_CHAT_SESSION as DOCUMENTED
from hypothesis import given, settings
from hypothesis import strategies as st

from app.wire.superoffice import zones
from app.wire.superoffice.answer import Manner, write_entity
from app.wire.superoffice.entity import read_entity
from app.wire.superoffice.locale import Locale, locale_of, translated
from domain.chat_carriers import Sale
from domain.chat_session import ChatSession, ChatSessionFields
from domain.date_time import DateTime, ticks

NEW_YORK = ZoneInfo("America/New_York")
OSLO = ZoneInfo("Europe/Oslo")


def shown(state: ChatSessionFields, headers: dict[bytes, bytes]) -> dict[str, Any]:
    written = write_entity(state, Manner(locale=locale_of(headers)))
    entity: dict[str, Any] = msgspec.json.decode(written)
    return entity


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
    st.datetimes(datetime(1920, 1, 1), datetime(2037, 1, 1)),  # noqa: DTZ001  # as they are stored
    st.sampled_from(["America/New_York", "Asia/Kolkata", "Pacific/Chatham", "UTC"]),
)
def test_another_zone_is_the_same_instant(moment: datetime, zone: str) -> None:
    text = DateTime(moment.isoformat())
    assert ticks(DateTime(zones.to_zone(text, ZoneInfo(zone), tagged=True))) == ticks(text)


MANY = 'NO:"Kunde";US:"Customer"'


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({b"accept-language": b"nb-NO, en;q=0.5"}, "Kunde"),
        ({b"accept-language": b"fr,de,en"}, "Customer"),
        ({b"accept-language": b"nb", b"so-language": b"en"}, "Customer"),
        ({b"accept-language": b"nb", b"so-language": b"*"}, MANY),
        ({b"so-language": b"x"}, MANY),
        ({b"accept-language": b"sv"}, MANY),
        ({b"accept-language": b"xx, no"}, "Kunde"),
        ({b"accept-language": b"\xff;;,"}, MANY),
        ({b"accept-language": b"fr;q=0.1,en;q=0.9,no;q=1"}, "Kunde"),
        ({b"accept-language": b"*;q=0.1, en;q=0.5"}, "Customer"),
        ({b"accept-language": b"no;q=0, en;q=0.1"}, "Customer"),
        ({b"accept-language": b"no;q=0"}, MANY),
        ({}, MANY),
    ],
)
def test_a_multi_language_text_of_a_carrier_is_shown_in_the_best_language(
    headers: dict[bytes, bytes], expected: str
) -> None:
    state = ChatSession(sale=Sale(sale_type_name=MANY), customer_name=MANY)
    entity = shown(state, headers)
    assert entity["Sale"]["SaleTypeName"] == expected
    assert entity["CustomerName"] == MANY


@pytest.mark.parametrize("text", ["plain", 'a:"b"', 'NO:"a" and more', 'NO:"a', ""])
def test_what_is_no_multi_language_text_stays_whole(text: str) -> None:
    assert translated(text, ("NO", "A")) == text
