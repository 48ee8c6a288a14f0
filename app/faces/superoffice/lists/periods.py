"""Stretches of time that lists ask for by name: days, weeks, months and their neighbours, in UTC.

The clock is the caller's: whoever asks says which day it is.
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
    """From `start` up to, but not with, `end`, both in ticks; None: without an end on that side."""

    start: int | None
    end: int | None


class Written(Struct, frozen=True):
    """A stretch with both ends."""

    start: int
    end: int
    is_set: bool = True
    """Whether it is a date at all, not the way to say that there is none."""


class Unit(Struct, frozen=True):
    """A period of the calendar: so many days, or so many months. A week starts on Monday."""

    days: int = 0
    months: int = 0

    def start(self, today: date, ahead: int) -> int:
        """The first tick of the period that is `ahead` of the one `today` is in; 0: of that one.

        A period before year 1 or after 9999 starts where the calendar does, or ends.
        """
        if self.days:
            first = today.toordinal() - today.weekday() % self.days + ahead * self.days
        else:
            months = today.year * 12 + today.month - 1
            first = _first_of(months // self.months * self.months + ahead * self.months)
        return (min(max(first, 1), _LAST_DAY + 1) - 1) * TICKS_PER_DAY

    def stretch(self, today: date, first: int, beyond: int) -> Stretch:
        """From the period `first` ahead of the present one to the start of the one `beyond`."""
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
"""By their numbers and names in lower case (SuperOffice: find-selection/operators)."""

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
"""Names, in lower case, of stretches around today."""


def relative(name: str, today: date) -> Stretch:
    """One of RELATIVE."""
    if name == "beforetoday":
        return Stretch(None, DAY.start(today, 0))
    if name == "aftertoday":
        return Stretch(DAY.start(today, 1), None)
    unit, first, beyond = _RELATIVE[name]
    return unit.stretch(today, first, beyond)


def written(text: str) -> Written:
    """What a written date-time stands for: a whole day where it has no time, else one tick.

    A blank in the place of an offset's plus is one: that is what an unescaped plus in a URL means.
    Raises ValueError for what is no date-time.
    """
    found = parse(_LOST_PLUS.sub("+", text))
    start, ticks_long = ticks(found), TICKS_PER_DAY if len(found) == _DAY_CHARACTERS else 1
    return Written(start, start + ticks_long, is_set=found != EMPTY)


def moment(at: int) -> datetime:
    """The first moment that is not before a tick, among those that `datetime` can tell apart.

    The calendar's first or last one for a tick outside of it.
    """
    microseconds = -(-at // _TICKS_PER_MICROSECOND)
    if microseconds <= 0:
        return _YEAR_1
    try:
        return _YEAR_1 + timedelta(microseconds=microseconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def _first_of(months: int) -> int:
    """The day, counted from 1, that a month begins; months count from year 0."""
    year, month = divmod(months, 12)
    if year > date.max.year:
        return _LAST_DAY + 1
    return date(year, month + 1, 1).toordinal() if year >= 1 else 1
