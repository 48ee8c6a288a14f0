"""The check of the ledger finds what it is there to find: it is tried on doctored histories."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace
from support.ledger import Ack, Intent, Stored, differences

Lines = Sequence[Intent | Ack]
WRITTEN: Lines = [
    *(Intent("a1"), Intent("b1"), Ack("a1", 1, 1), Intent("a2")),
    *(Ack("b1", 1, 2), Intent("c1"), Ack("a2", 2, 3), Ack("c1", 1, 4)),
]
STORED = [
    *(Stored("a1", "A", 1, 1), Stored("b1", "B", 1, 2)),
    *(Stored("a2", "A", 2, 3), Stored("c1", "C", 1, 4)),
]


def test_a_faithful_log_has_no_differences() -> None:
    assert differences(WRITTEN, STORED) == []


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        (STORED[:3], "c1: acknowledged, and lost"),
        ([*STORED, Stored("c1", "D", 1, 5)], "c1: done 2 times"),
        ([*STORED, Stored("a2", "A", 3, 5)], "a2: done 2 times"),
        ([*STORED, Stored("x1", "X", 1, 5)], "x1: stored, but nobody asked for it"),
        ([*STORED[:3], replace(STORED[3], position=5)], "a hole in the log between 3 and 5"),
        ([*STORED[:3], replace(STORED[3], position=5)], "c1: acknowledged at 4, stored at 5"),
        ([*STORED[:2], replace(STORED[2], version=3), STORED[3]], "A: has versions [1, 3]"),
        (STORED[1:], "the log's beginning"),
    ],
    ids=[
        *("lost", "created twice", "changed twice", "phantom"),
        *("hole", "moved", "version", "beginning"),
    ],
)
def test_a_doctored_log_is_found_out(stored: Sequence[Stored], said: str) -> None:
    assert said in differences(WRITTEN, stored)


def test_a_client_that_was_never_answered_is_reported() -> None:
    assert differences([*WRITTEN, Intent("d1")], STORED) == ["d1: never answered"]
