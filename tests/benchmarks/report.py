"""What the measurements come to: Markdown tables, ratios by the round."""

from collections.abc import Sequence
from statistics import median

from msgspec import Struct

from .measure import Sample, cpu, rate

HEAD = (
    "what",
    "at least",
    "rate ratio",
    "(rounds)",
    "CPU ratio",
    "ours /s",
    "peer /s",
    "ours CPU ms",
    "peer CPU ms",
)
NOTE = """\
A ratio is the median of the rounds' ratios, (rounds) the least and the largest of them; rates and
processor time are medians by themselves. CPU ratio: how many times more processor time the peer
takes for one, service and PostgreSQL together."""


class Comparison(Struct, frozen=True):
    """Ours against a peer, measured in the same rounds."""

    what: str
    at_least: float
    ours: Sequence[Sample]
    peer: Sequence[Sample]


def table(title: str, comparisons: Sequence[Comparison]) -> str:
    """One Markdown table under a heading."""
    return markdown(title, HEAD, list(map(_row, comparisons)))


def limits_table(title: str, rows: Sequence[tuple[str, float, float, float, float]]) -> str:
    """One Markdown table under a heading. A row: what, its limit, median, least, most."""
    shown = [
        (
            what,
            f"{limit:g}",
            f"**{middle:.2f}**" if middle <= limit else f"{middle:.2f} (missed)",
            f"{least:.2f}-{most:.2f}",
        )
        for what, limit, middle, least, most in rows
    ]
    return markdown(title, ("what", "at most", "median", "(rounds)"), shown)


def markdown(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """One Markdown table under a heading: text at the left, numbers at the right."""
    lines = [head, ("---",) + ("---:",) * (len(head) - 1), *rows]
    return "\n".join([f"### {title}", "", *(f"| {' | '.join(line)} |" for line in lines), ""])


def _row(comparison: Comparison) -> tuple[str, ...]:
    ours, peer = comparison.ours, comparison.peer
    ratios = [a.per_s / b.per_s for a, b in zip(ours, peer, strict=True)]
    ratio = median(ratios)
    return (
        comparison.what,
        f"{comparison.at_least:g} x",
        f"**{ratio:.2f} x**" if ratio >= comparison.at_least else f"{ratio:.2f} x (missed)",
        f"{min(ratios):.2f}-{max(ratios):.2f}",
        f"{cpu(peer) / cpu(ours):.2f} x" if cpu(ours) else "",
        f"{rate(ours):,.0f}",
        f"{rate(peer):,.0f}",
        f"{cpu(ours):.3f}",
        f"{cpu(peer):.3f}",
    )
