"""Days, weeks, months and longer periods around a day."""

from datetime import UTC, date, datetime, timedelta

import pytest

from app.faces.superoffice.lists.periods import (
    RELATIVE,
    TICKS_PER_DAY,
    UNITS,
    Stretch,
    moment,
    relative,
    written,
)

SATURDAY = date(2026, 11, 21)


def days(stretch: Stretch) -> str:
    return " to ".join("" if end is None else str(day(end)) for end in (stretch.start, stretch.end))


def day(tick: int) -> date:
    assert tick % TICKS_PER_DAY == 0
    return date.fromordinal(tick // TICKS_PER_DAY + 1)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("beforetoday", " to 2026-11-21"),
        ("aftertoday", "2026-11-22 to "),
        ("yesterday", "2026-11-20 to 2026-11-21"),
        ("today", "2026-11-21 to 2026-11-22"),
        ("tomorrow", "2026-11-22 to 2026-11-23"),
        ("lastweek", "2026-11-09 to 2026-11-16"),
        ("thisweek", "2026-11-16 to 2026-11-23"),
        ("nextweek", "2026-11-23 to 2026-11-30"),
        ("lastmonth", "2026-10-01 to 2026-11-01"),
        ("thismonth", "2026-11-01 to 2026-12-01"),
        ("nextmonth", "2026-12-01 to 2027-01-01"),
        ("lastquarter", "2026-07-01 to 2026-10-01"),
        ("thisquarter", "2026-10-01 to 2027-01-01"),
        ("nextquarter", "2027-01-01 to 2027-04-01"),
        ("lasthalf", "2026-01-01 to 2026-07-01"),
        ("thishalf", "2026-07-01 to 2027-01-01"),
        ("nexthalf", "2027-01-01 to 2027-07-01"),
        ("lastyear", "2025-01-01 to 2026-01-01"),
        ("thisyear", "2026-01-01 to 2027-01-01"),
        ("nextyear", "2027-01-01 to 2028-01-01"),
    ],
)
def test_a_stretch_around_today_has_its_first_day_and_the_one_behind_its_last(
    name: str, expected: str
) -> None:
    assert days(relative(name, SATURDAY)) == expected


def test_every_stretch_around_today_is_in_order_on_every_day() -> None:
    for number in range(0, 800, 13):
        today = SATURDAY + timedelta(days=number)
        for name in RELATIVE:
            found = relative(name, today)
            assert found.start is None or found.end is None or found.start < found.end


@pytest.mark.parametrize("today", [date.min, date.max], ids=["first day", "last day"])
def test_a_period_out_of_the_calendar_ends_with_it(today: date) -> None:
    for unit in UNITS.values():
        for ahead in (-10_000, -1, 0, 1, 10_000):
            assert 0 <= unit.start(today, ahead) <= date.max.toordinal() * TICKS_PER_DAY


def test_a_day_is_written_without_a_time() -> None:
    noon = TICKS_PER_DAY // 2
    start = (SATURDAY.toordinal() - 1) * TICKS_PER_DAY
    assert written("2026-11-21") == written("2026-11-21")
    assert (written("2026-11-21").start, written("2026-11-21").end) == (
        start,
        start + TICKS_PER_DAY,
    )
    assert written("2026-11-21T12:00:00").start == start + noon
    assert written("2026-11-21T13:00:00+01:00").end == start + noon + 1


@pytest.mark.parametrize("text", ["2026-11-21T13:00:00 0100", "2026-11-21 13:00:00 01:00"])
def test_a_plus_that_a_url_made_a_blank_is_still_one(text: str) -> None:
    assert written(text) == written("2026-11-21T12:00:00Z")


@pytest.mark.parametrize("text", ["0001-01-01", "0000-12-31T23:06:32.000Z"])
def test_a_date_that_says_that_there_is_none_is_no_stretch_of_time(text: str) -> None:
    assert not written(text).is_set
    assert written("0001-01-02").is_set


@pytest.mark.parametrize(
    ("tick", "microseconds"),
    [(-5, 0), (0, 0), (1, 1), (10, 1), (11, 2)],
    ids=["before the first", "first", "within", "one", "behind it"],
)
def test_a_tick_is_rounded_up_to_a_moment(tick: int, microseconds: int) -> None:
    first = datetime(1, 1, 1, tzinfo=UTC)
    assert moment(tick) == first + timedelta(microseconds=microseconds)


def test_a_tick_behind_the_calendar_is_its_last_moment() -> None:
    last = datetime.max.replace(tzinfo=UTC)
    assert moment(date.max.toordinal() * TICKS_PER_DAY) == last
