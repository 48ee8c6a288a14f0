"""Moments as people and programs write them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.codecs.json_text import BadInput
from app.history.moments import Moment, Positions, Span, Version, parse, written

NOW = datetime(2026, 11, 28, 21, 20, 30, 500, UTC)
OSLO = ZoneInfo("Europe/Oslo")


def at(text: str) -> Span:
    moment = datetime.fromisoformat(f"{text}+00:00")
    return Span(moment, moment)


def day(text: str, hours: int = 24) -> Span:
    start = datetime.fromisoformat(f"{text}+00:00")
    return Span(start, start + timedelta(hours=hours) - timedelta(microseconds=1))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("3", Version(3)),
        ("0", Version(0)),
        ("0:17", Positions({0: 17})),
        ("0:17,1:5", Positions({0: 17, 1: 5})),
        ("2026-11-28T21:20:00Z", at("2026-11-28T21:20:00")),
        ("2026-11-28t21:20:00z", at("2026-11-28T21:20:00")),
        ("2026-11-28 21:20", at("2026-11-28T20:20:00")),
        ("2026-11-28 21:20 UTC", at("2026-11-28T21:20:00")),
        ("2026-11-28T21:20:00.123456Z", at("2026-11-28T21:20:00.123456")),
        ("2026-11-28T21:20:00.1234569Z", at("2026-11-28T21:20:00.123456")),
        ("2026-11-28T21:20:00.5+02:00", at("2026-11-28T19:20:00.500000")),
        ("2026-11-28T21:20:00 02:00", at("2026-11-28T19:20:00")),
        ("2026-11-28 21:20-0330", at("2026-11-29T00:50:00")),
        ("2026-11-28 21:20+05", at("2026-11-28T16:20:00")),
        ("2026-11-28", day("2026-11-27T23:00:00")),
        ("2026-03-29", day("2026-03-28T23:00:00", hours=23)),  # the clocks change
        ("2h ago", at("2026-11-28T19:20:30.000500")),
        ("90 minutes ago", at("2026-11-28T19:50:30.000500")),
        ("1 week ago", at("2026-11-21T21:20:30.000500")),
        ("now", Span(NOW, NOW)),
        ("Today", day("2026-11-27T23:00:00")),
        ("yesterday", day("2026-11-26T23:00:00")),
    ],
)
def test_a_moment_is_read_as_people_write_it(text: str, moment: Moment) -> None:
    assert parse(text, "asOf", zone=OSLO, now=NOW) == moment


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "-1", "1.5", "0:", ":1", "0:1,", "0:1,0:2", "99999999999999999999", "0:-1"),
        *("2026-13-01", "2026-11-31", "2026-11-28T25:00:00Z", "2026-11-28T21:20:00+19:00"),
        *("2026-11-28T21:20:00+01:60", "10000-01-01", "3 fortnights ago", "999999 weeks ago"),
        *("0001-01-01T00:00+01:00", "2026-11-28T", "tomorrow", "\0", "٣"),
    ],
)
def test_anything_else_is_refused_by_its_parameter(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse(text, "asOf", now=NOW)
    assert refused.value.field == "asOf"


def test_a_cut_is_written_as_it_is_read() -> None:
    assert written((17, 5)) == "0:17,1:5"
    assert parse(written((17, 5)), "asOf", now=NOW) == Positions({0: 17, 1: 5})
