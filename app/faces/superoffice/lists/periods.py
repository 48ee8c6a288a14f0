"""Named stretches of time in filters: days, weeks, months and their neighbours, in UTC.

The clock belongs to the caller, who passes the present day.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from msgspec import Struct

from domain.date_time import EMPTY, TICKS_PER_SECOND, parse, ticks

TICKS_PER_DAY = 86_400 * TICKS_PER_SECOND
_TICKS_PER_MICROSECOND = TICKS_PER_SECOND // 1_000_000
_LAST_DAY = date.max.toordinal()
_DAY_CHARACTERS = len("2020-05-28")
_LOST_PLUS = re.compile(r"(?<=[0-9]) (?=[0-9]{2}:?[0-9]{2}\Z)")
_YEAR_1 = datetime(1, 1, 1, tzinfo=UTC)


class Stretch(Struct, frozen=True):
    """From `start` to `end` (exclusive), both in ticks; None: unbounded on that side."""

    start: int | None
    end: int | None


class Written(Struct, frozen=True):
    """A stretch with both bounds."""

    start: int
    end: int
    is_set: bool = True
    """Whether it is a date, not the notation for an unset one."""


class Unit(Struct, frozen=True):
    """A calendar period of some days or of some months. A week starts on Monday."""

    days: int = 0
    months: int = 0

    def start(self, today: date, ahead: int) -> int:
        """The first tick of the period that is `ahead` periods after the one of `today`.

        A period before year 1 starts at the calendar's start, one after 9999 at its end.
        """
        if self.days:
            first = today.toordinal() - today.weekday() % self.days + ahead * self.days
        else:
            months = today.year * 12 + today.month - 1
            first = _first_of(months // self.months * self.months + ahead * self.months)
        return (min(max(first, 1), _LAST_DAY + 1) - 1) * TICKS_PER_DAY

    def stretch(self, today: date, first: int, beyond: int) -> Stretch:
        """From the start of the period `first` to that of the period `beyond`, both relative."""
        return Stretch(self.start(today, first), self.start(today, beyond))


DAY, WEEK = Unit(days=1), Unit(days=7)
MONTH, QUARTER, HALF, YEAR = Unit(months=1), Unit(months=3), Unit(months=6), Unit(months=12)

UNITS: Mapping[str, Unit] = {
    spelling: unit
    for unit, spellings in (
        (DAY, "1 day days"),
        (WEEK, "2 week weeks wk wks"),
        (MONTH, "3 month months mon mos"),
        (QUARTER, "4 quarter quarters qtr qtrs"),
        (HALF, "5 halfyear halfyears hyr hyrs"),
        (YEAR, "6 year years yr yrs"),
    )
    for spelling in spellings.split()
}
"""Units by number and by lower-case name (SuperOffice: find-selection/operators)."""

_NEIGHBOURS = {"last": (-1, 0), "this": (0, 1), "next": (1, 2)}
_RELATIVE: Mapping[str, tuple[Unit, int, int]] = {
    "yesterday": (DAY, -1, 0),
    "today": (DAY, 0, 1),
    "tomorrow": (DAY, 1, 2),
    **{
        which + name: (unit, *bounds)
        for which, bounds in _NEIGHBOURS.items()
        for name, unit in (
            ("week", WEEK),
            ("month", MONTH),
            ("quarter", QUARTER),
            ("half", HALF),
            ("year", YEAR),
        )
    },
}
RELATIVE = frozenset({"beforetoday", "aftertoday", *_RELATIVE})
"""Lower-case names of stretches relative to today."""


def relative(name: str, today: date) -> Stretch:
    """The stretch with a name in RELATIVE."""
    if name == "beforetoday":
        return Stretch(None, DAY.start(today, 0))
    if name == "aftertoday":
        return Stretch(DAY.start(today, 1), None)
    unit, first, beyond = _RELATIVE[name]
    return unit.stretch(today, first, beyond)


def written(text: str) -> Written:
    """The stretch of a written date-time: a whole day if it has no time, else one tick.

    A blank in place of an offset's plus counts as a plus: an unescaped plus in a URL means a blank.
    Raises ValueError for anything but a date-time.
    """
    found = parse(_LOST_PLUS.sub("+", text))
    start, ticks_long = ticks(found), TICKS_PER_DAY if len(found) == _DAY_CHARACTERS else 1
    return Written(start, start + ticks_long, is_set=found != EMPTY)


def moment(at: int) -> datetime:
    """A tick as a `datetime`, rounded up to its resolution of a microsecond.

    A tick outside of the calendar gives the calendar's first or last moment.
    """
    microseconds = -(-at // _TICKS_PER_MICROSECOND)
    if microseconds <= 0:
        return _YEAR_1
    try:
        return _YEAR_1 + timedelta(microseconds=microseconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def _first_of(months: int) -> int:
    """The first day of a month, counted from 1; months count from year 0."""
    year, month = divmod(months, 12)
    if year > date.max.year:
        return _LAST_DAY + 1
    return date(year, month + 1, 1).toordinal() if year >= 1 else 1
