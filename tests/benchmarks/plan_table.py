"""The plan told: a table of four sizes, and what breaks first. It stands in app/database/README.md.

`python -m benchmarks plan` measures anew, and keeps the figures in `plan.json`; `python -m
benchmarks.plan_table` tells the plan by the figures that are kept.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import fill

import click
import msgspec

from .plan import (
    APPENDED_PER_S,
    CHATS,
    COPIED_PER_S,
    DAY_S,
    DISK_BYTES,
    FOLLOWERS,
    HASH_BYTES,
    HASHES_PER_TILE,
    HISTORIES,
    INDEX_OF_EVENTS,
    INT32,
    JOBS,
    MEMORY_BYTES,
    PEAK,
    TABLE_BYTES,
    VIEWS,
    YEARS,
    Figures,
    Plan,
    depth,
    proof_hashes,
)
from .plan_limits import limits

KEPT = Path(__file__).with_name("plan.json")
SIZES = (10**6, 10**7, 10**8, 10**9)
_WIDTH = 104
_EXPONENTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"


def kept() -> Figures:
    """The figures that were measured last."""
    return msgspec.json.decode(KEPT.read_bytes(), type=Figures)


def keep(figures: Figures) -> None:
    """Put figures in the place of those."""
    KEPT.write_bytes(msgspec.json.format(msgspec.json.encode(figures)) + b"\n")


def text(figures: Figures) -> str:
    """The whole plan, in Markdown."""
    plans = [Plan(figures, sessions) for sessions in SIZES]
    head = ["sessions", *(f"10{_EXPONENTS[len(str(size)) - 1]}" for size in SIZES)]
    lines = [head, ["---", *["---:"] * len(SIZES)]]
    lines += [[what, *map(told, plans)] for what, told in rows(figures)]
    broken = [["sessions, about", "what breaks", "what to do then"], ["---:", "---", "---"]]
    broken += [[count(each.sessions), each.what, each.then] for each in limits(figures)]
    return f"{_told(figures)}\n\n{_markdown(lines)}\n\n{_markdown(broken)}\n"


def _told(figures: Figures) -> str:
    """By which figures, and what is assumed."""
    few, many = figures.sessions
    measured = f"""
        Measured: {figures.measured}. Logs of {few:,} and {many:,} sessions, half of them AI
        sessions (created, changed three times), half chats (queued, picked up, four messages,
        closed), each command with a key: {figures.events:.2g} events a session. Times are the
        processor time of all processes that take part, as if each waited for the others, without
        waits for disks."""
    assumed = f"""
        Assumed: the sessions come within {YEARS} years, at peaks {PEAK} times as fast. A server has
        16 processors, {size(DISK_BYTES)} of disk for data and {size(MEMORY_BYTES)} of memory for
        its pages, and copies {size(COPIED_PER_S)} a second. Standbys come on top."""
    return "\n\n".join(fill(" ".join(each.split()), _WIDTH) for each in (measured, assumed))


def _markdown(lines: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def count(number: float) -> str:
    """A number, with three digits that count."""
    for unit, name in ((1e9, " billion"), (1e6, " million")):
        if number >= unit:
            return f"{_rounded(number / unit)}{name}"
    return _rounded(number)


def size(number: float) -> str:
    """A number of bytes; units of a thousand."""
    for unit, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if number >= unit:
            return f"{_rounded(number / unit)} {name}"
    return f"{_rounded(number)} B"


def time(seconds: float) -> str:
    """A span of time."""
    for unit, name in ((DAY_S, "days"), (3_600.0, "h"), (60.0, "min")):
        if seconds >= 2 * unit:
            return f"{_rounded(seconds / unit)} {name}"
    return f"{_rounded(seconds)} s"


def share(part: float) -> str:
    """A part of a whole."""
    return f"{_rounded(part * 100)} %"


def _rounded(number: float) -> str:
    """Two digits, or all before the point."""
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"


Row = tuple[str, Callable[[Plan], str]]


def rows(figures: Figures) -> Sequence[Row]:
    """The lines of the table: what, and how it is told."""
    return [*_rates(figures), *_bytes(), *_places(figures), *_numbers(figures), *_times()]


def _rates(figures: Figures) -> Sequence[Row]:
    return [
        ("events", lambda plan: count(plan.events)),
        (
            "events a second: mean, peak",
            lambda plan: f"{count(plan.per_s)}, {count(plan.per_s * PEAK)}",
        ),
        (
            "processors busy at the peak: appends, followers",
            lambda plan: f"{_rounded(plan.busy('append'))}, {_rounded(plan.busy(*FOLLOWERS))}",
        ),
        (
            "WAL a day, mean",
            lambda plan: size(plan.per_s * DAY_S * figures.wal_bytes_per_event),
        ),
        (
            "until tables are due to be frozen, at the earliest: mean, peak",
            lambda plan: f"{time(plan.freeze_s(1))}, {time(plan.freeze_s(PEAK))}",
        ),
    ]


def _bytes() -> Sequence[Row]:
    return [
        ("**bytes of all**", lambda plan: size(plan.bytes)),
        ("of these: events and their indexes", lambda plan: size(plan.of("stored_events"))),
        ("keys of streams", lambda plan: size(plan.of("stream_key"))),
        ("keys of retries, which are kept", lambda plan: size(plan.of("idempotency_key"))),
        ("views as they are", lambda plan: size(plan.of(*VIEWS) - plan.of(*HISTORIES))),
        ("their histories", lambda plan: size(plan.of(*HISTORIES, "history_reach"))),
        ("index of events, activity, people", lambda plan: size(plan.of(*INDEX_OF_EVENTS))),
        ("tree", lambda plan: size(plan.of("tree_tile"))),
        ("all indexes", lambda plan: size(plan.of(indexes=True))),
    ]


def _places(figures: Figures) -> Sequence[Row]:
    table, _ = figures.largest(is_index=False)
    index, entries = figures.largest(is_index=True)
    return [
        ("**servers with data**", lambda plan: str(plan.servers)),
        ("**partitions**", lambda plan: str(plan.partitions)),
        ("bytes of a partition", lambda plan: size(plan.bytes / plan.partitions)),
        ("writes to a partition wait while it moves", lambda plan: time(plan.moved_s)),
        (
            f"largest table (`{table}`), and of 32 TiB",
            lambda plan: (
                f"{size(plan.of(table, indexes=False))}, "
                f"{share(plan.of(table, indexes=False) / plan.servers / TABLE_BYTES)}"
            ),
        ),
        (
            f"largest index (`{index}`), and its levels",
            lambda plan: (
                f"{size(entries.bytes * plan.sessions)}, "
                f"{depth(entries, plan.sessions / plan.servers)}"
            ),
        ),
        (
            "indexes that appends touch anywhere, and of the memory",
            lambda plan: (
                f"{size(plan.scattered_bytes)}, "
                f"{share(plan.scattered_bytes / (MEMORY_BYTES * plan.servers))}"
            ),
        ),
    ]


def _numbers(figures: Figures) -> Sequence[Row]:
    return [
        (
            "numbers used: chats, messages",
            lambda plan: (
                f"{share(plan.sessions * CHATS / INT32)}, "
                f"{share(plan.sessions * figures.messages / INT32)}"
            ),
        ),
        (
            "tiles of the tree, a proof of an event",
            lambda plan: (
                f"{count(plan.events / (HASHES_PER_TILE - 1))}, "
                f"{size(HASH_BYTES * proof_hashes(plan.events / plan.partitions))}"
            ),
        ),
    ]


def _times() -> Sequence[Row]:
    return [
        (
            "appending all, at one partition's best rate",
            lambda plan: time(plan.events / APPENDED_PER_S),
        ),
        (f"`rebuild` of the views, {JOBS} jobs", lambda plan: time(plan.took_s("rebuild") / JOBS)),
        ("`rebuild history`, by its follower", lambda plan: time(plan.took_s("history"))),
        ("`rebuild tree`, the same", lambda plan: time(plan.took_s("tree"))),
        ("`verify` of log, views and proofs", lambda plan: time(plan.took_s("verify"))),
        (
            "`backup`, and its bytes",
            lambda plan: f"{time(plan.backup_s)}, {size(plan.file_bytes('backup'))}",
        ),
        ("`restore`, with its verification", lambda plan: time(plan.took_s("restore"))),
        (
            "`export`, and its bytes",
            lambda plan: f"{time(plan.took_s('export'))}, {size(plan.file_bytes('export'))}",
        ),
        ("`keys rotate`", lambda plan: time(plan.rotate_s)),
    ]


if __name__ == "__main__":
    click.echo(text(kept()), nl=False)
