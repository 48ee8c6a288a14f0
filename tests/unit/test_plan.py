"""The plan to 10⁹ sessions: its arithmetic, and that the page on the database has what it gives."""

from math import isclose
from pathlib import Path

import pytest
from benchmarks import plan
from benchmarks.plan import Figures, Plan, Relation, depth, proof_hashes
from benchmarks.plan_limits import limits
from benchmarks.plan_table import count, kept, size, text, time
from msgspec.structs import replace
from support.rfc9162 import inclusion

from app.settings import MAX_PARTITIONS, Settings

ROOT = Path(__file__).parents[2]
README = ROOT / "app/database/README.md"
RESULTS = ROOT / "tests/benchmarks/RESULTS.md"
BEGIN, END = "<!-- plan -->\n", "<!-- end of plan -->"
INDEX = Relation(table="stored_events", is_index=True, bytes=100.0, rows=2.0)
ROUND = replace(
    kept(),
    events=5.0,
    messages=2.0,
    relations={
        "stored_events": Relation(table="stored_events", is_index=False, bytes=900.0, rows=5.0),
        **{name: replace(INDEX, bytes=20.0) for name in plan.RANDOM},
    },
    cpu_us_per_event=dict.fromkeys(kept().cpu_us_per_event, 100.0),
    rotate_us_per_stream=10.0,
)
"""1,000 bytes and half a millisecond of any work, for a session; 5 events."""


def test_the_page_tells_what_the_figures_come_to() -> None:
    said = README.read_text().partition(BEGIN)[2].partition(END)[0]
    assert said == text(kept()), "`python -m benchmarks.plan_table` in tests/ prints it"


@pytest.mark.parametrize(
    ("row", "figure"),
    [
        ("| 64 callers, 16 threads |", f"{plan.APPENDED_PER_S:,}"),
        ("| 50 chats by registeredDate desc, half way |", f"{plan.SORTED_S_PER_CHAT * 1e9:.3f}"),
        (
            "| 25 newest AI sessions, all counted, half way |",
            f"{plan.COUNTED_S_PER_AI_SESSION * 1e9:.3f}",
        ),
    ],
)
def test_what_was_measured_elsewhere_is_as_it_was_measured(row: str, figure: str) -> None:
    """(The lists are of a million sessions: milliseconds of all are nanoseconds of one.)"""
    (line,) = (line for line in RESULTS.read_text().splitlines() if line.startswith(row))
    assert figure in line


def test_the_service_has_the_settings_that_the_plan_counts_on() -> None:
    settings = Settings(database_url="", master_key=b"")
    assert settings.list_deadline_s == plan.LIST_S
    assert settings.follower_share == plan.FOLLOWER_SHARE


@pytest.mark.parametrize(
    ("sessions", "servers", "partitions"),
    [(10**6, 1, 1), (10**8, 1, 1), (10**9, 1, 16), (10**10, 4, MAX_PARTITIONS)],
)
def test_servers_hold_all_and_partitions_can_be_moved(
    sessions: int, servers: int, partitions: int
) -> None:
    found = Plan(ROUND, sessions)
    assert (found.servers, found.partitions) == (servers, partitions)
    assert found.bytes == 1_000 * sessions


def test_times_and_bytes_grow_with_the_sessions() -> None:
    found = Plan(ROUND, 10**6)
    assert found.events == 5e6
    assert found.took_s("verify") == 500
    assert found.took_s("verify", "rebuild") == 1_000
    assert found.rotate_s == 10
    assert found.scattered_bytes == 100e6
    assert found.of("stored_events", indexes=False) == 900e6


def test_a_tree_of_pages_is_as_deep_as_its_entries_need() -> None:
    """163 entries of 50 bytes in a page, and as many pages below each."""
    assert [depth(INDEX, sessions) for sessions in (80, 10_000, 10**6, 10**8)] == [1, 2, 3, 4]


@pytest.mark.parametrize("leaves", [1, 2, 3, 255, 256, 257, 1_000])
def test_a_proof_is_no_longer_than_the_plan_says(leaves: int) -> None:
    """The first leaf's is the longest."""
    assert proof_hashes(leaves) == len(inclusion(0, [bytes([n % 256]) for n in range(leaves)]))


def test_limits_come_in_their_order_and_where_the_plan_meets_them() -> None:
    found = {each.what: each.sessions for each in limits(ROUND)}
    assert list(found.values()) == sorted(found.values())
    verified = next(sessions for what, sessions in found.items() if what.startswith("`verify`"))
    assert isclose(Plan(ROUND, round(verified)).took_s("verify"), plan.DAY_S, rel_tol=1e-6)
    full = next(sessions for what, sessions in found.items() if "disk is full" in what)
    assert (Plan(ROUND, int(full)).servers, Plan(ROUND, int(full) + 1).servers) == (1, 2)
    messages = next(sessions for what, sessions in found.items() if "messages" in what)
    assert messages * ROUND.messages == plan.INT32


def test_limits_come_later_where_a_session_takes_less() -> None:
    small = replace(
        ROUND,
        events=2.5,
        relations={
            name: replace(each, bytes=each.bytes / 2) for name, each in ROUND.relations.items()
        },
    )
    later = {each.what: each.sessions for each in limits(small)}
    assert all(later.get(each.what, each.sessions) >= each.sessions for each in limits(ROUND))
    assert later != {each.what: each.sessions for each in limits(ROUND)}


def test_numbers_are_told_in_two_or_three_digits() -> None:
    assert [count(number) for number in (0.5, 12.3, 5_500, 5.5e6, 5.5e9)] == [
        "0.5", "12", "5,500", "5.5 million", "5.5 billion",
    ]  # fmt: skip
    assert [size(number) for number in (12, 1_500, 2.5e6, 33e9, 4e12)] == [
        "12 B", "1.5 kB", "2.5 MB", "33 GB", "4 TB",
    ]  # fmt: skip
    assert [time(seconds) for seconds in (90, 150, 7_300, 200_000)] == [
        "90 s", "2.5 min", "2 h", "2.3 days",
    ]  # fmt: skip


def test_the_kept_figures_are_of_a_whole_log() -> None:
    figures: Figures = kept()
    assert figures.events == pytest.approx(6.5, rel=0.01)
    assert figures.messages == pytest.approx(2, rel=0.01)
    assert set(plan.RANDOM) <= set(figures.relations)
    assert all(each > 0 for each in figures.cpu_us_per_event.values())
