"""A line of numbers, as an SVG draws it; the page has the numbers as text, too."""

from msgspec import Struct

from app.operations.rates import Rates

WIDTH, HEIGHT = 400, 60
"""Of the drawing, in its own units."""


class Line(Struct, frozen=True):
    """A line, and what it shows in words."""

    points: str
    """Of a `polyline`: `0,60 20,13 …`."""
    words: str
    width: int = WIDTH
    height: int = HEIGHT


def line(rates: Rates) -> Line:
    """The line of the events that were appended lately."""
    values, highest = rates.per_second, rates.highest or 1.0
    step = WIDTH / (len(values) - 1)
    points = [
        f"{number * step:.0f},{HEIGHT - 2 - (HEIGHT - 4) * value / highest:.0f}"
        for number, value in enumerate(values)
    ]
    minutes = rates.step_seconds * len(values) / 60
    words = (
        f"Events a second in the last {minutes:.0f} minutes: now {values[-1]:g}, "
        f"mean {rates.mean:.2g}, highest {rates.highest:g}"
    )
    return Line(" ".join(points), words)
