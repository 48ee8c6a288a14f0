"""Events that are not those of a checkpoint are found, and the first of them is named."""

import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from support.exported import events, hashes
from support.signed import checkpoint_of

from app.proof.checking import Hashes, Verdict, take
from app.proof.checking import check as checked
from app.proof.leaves import Columns
from app.proof.verifier import Checkpoint, Event, Unproven

COUNT = 300
CLEAN = events(COUNT)
LEAVES = hashes(CLEAN)
TIMES = 1_000


def columns(of: Sequence[Event]) -> Iterator[Columns]:
    for event in of:
        yield (
            event.partition, event.position, event.stream.bytes, event.version,
            event.topic.encode(), event.state, event.event_id.bytes, event.recorded_at_us,
            event.actor.encode(), event.metadata.encode(),
        )  # fmt: skip


def check(of: Iterator[Columns], *against: Any) -> Verdict:
    return checked(take(of), *against)


def kept(*sizes: int) -> list[Checkpoint]:
    return [checkpoint_of("log/0", LEAVES[:size]) for size in sizes]


def judged(
    of: Sequence[Event], *sizes: int, stored: Hashes | None = lambda _: b"".join(LEAVES)
) -> Verdict:
    return check(columns(of), {0: kept(*sizes or (COUNT,))}, stored)


def test_clean_events_are_shown_and_what_is_behind_them_is_named() -> None:
    verdict = judged(CLEAN, 1, 100, COUNT)
    assert (verdict.wrong, verdict.first_bad, verdict.not_checked) == ([], None, [])
    assert "events 1 to 300" in verdict.checked[0]
    verdict = judged(CLEAN, 100, 200)
    assert "events 1 to 200" in verdict.checked[0]
    assert "events 201 to 300" in verdict.not_checked[0]
    assert verdict.wrong == []


def altered(rng: random.Random) -> tuple[list[Event], int]:
    """Changed events, and the first position that is wrong."""
    log, at = list(CLEAN), rng.randrange(COUNT)
    event, other = log[at], rng.randrange(COUNT)
    match rng.choice(("column", "delete", "insert", "swap", "move", "cut", "time", "renumber")):
        case "column":
            change = rng.choice(("actor", "metadata", "topic", "state", "event_id", "stream"))
            value: dict[str, Any] = {
                "actor": event.actor + "x",
                "metadata": event.metadata.replace("evo", "EVO"),
                "topic": event.topic + "x",
                "state": event.state + b" ",
                "event_id": CLEAN[at - 1].event_id,
                "stream": CLEAN[at - 1].event_id,
            }
            log[at] = event._replace(**{change: value[change]})
        case "delete":
            del log[at]
        case "insert":
            log.insert(at, event)  # the place of which there are two is wrong
        case "swap":
            at, other = sorted((at, (at + 1 + other) % COUNT if other == at else other))
            if at == other:
                at, other = 0, 1
            log[at], log[other] = (
                CLEAN[other]._replace(position=at + 1),
                CLEAN[at]._replace(position=other + 1),
            )
        case "move":
            log.append(log.pop(at := min(at, COUNT - 2)))
        case "cut":
            del log[at:]
        case "time":
            log[at] = event._replace(recorded_at_us=event.recorded_at_us + rng.choice((-1, 1)))
        case "renumber":
            del log[at]
            log = [each._replace(position=place) for place, each in enumerate(log, 1)]
    return log, at + 1


def test_all_of_a_thousand_changes_are_found_and_the_first_bad_position_is_named() -> None:
    rng = random.Random(14)
    for _ in range(TIMES):
        log, position = altered(rng)
        verdict = judged(log)
        assert verdict.wrong
        assert verdict.first_bad == (0, position), verdict


def test_without_stored_hashes_all_are_found_and_never_a_wrong_position_is_named() -> None:
    rng = random.Random(41)
    for _ in range(TIMES):
        log, position = altered(rng)
        verdict = judged(log, 50, 100, 150, 200, 250, COUNT, stored=None)
        assert verdict.wrong
        assert verdict.first_bad is None or verdict.first_bad >= (0, position)


def test_stored_hashes_that_were_altered_too_are_not_believed() -> None:
    log = list(CLEAN)
    log[100] = log[100]._replace(actor="eve")
    verdict = judged(log, 50, 200, COUNT, stored=lambda _: b"".join(hashes(log)))
    assert verdict.first_bad is None
    assert "events 51 to 200" in verdict.wrong[0]
    assert "events 1 to 50" in verdict.checked[0]
    assert judged(log, stored=lambda _: b"x" * 31).first_bad is None


def test_a_checkpoint_before_and_one_behind_an_event_name_it() -> None:
    log = list(CLEAN)
    log[100] = log[100]._replace(actor="eve")
    assert judged(log, 100, 101, stored=None).first_bad == (0, 101)


def test_a_tail_that_was_cut_off_is_found() -> None:
    verdict = judged(CLEAN[:-1], stored=None)
    assert verdict.first_bad == (0, COUNT)
    assert verdict.wrong == [
        "Partition 0: only 299 of the 300 events that the checkpoint covers are there"
    ]
    assert judged([]).first_bad == (0, 1)


def test_a_fork_is_found() -> None:
    fork = [*CLEAN[:100], *events(200, seed=2)[100:]]
    versions: dict[object, int] = {}
    for place, event in enumerate(fork):
        versions[event.stream] = versions.get(event.stream, 0) + 1
        late = event.recorded_at_us + 10**12 * (place >= 100)
        fork[place] = event._replace(version=versions[event.stream], recorded_at_us=late)
    assert judged(fork, 200).first_bad == (0, 101)
    assert judged(fork, 100).wrong == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"position": 12}, "Event 0:11 is missing: 0:12 stands in its place"),
        ({"position": 3}, "Event 0:11 is missing or moved: 0:3 stands in its place"),
        ({"recorded_at_us": 0}, "Event 0:11 is earlier than the event before it"),
        ({"version": 70}, "Event 0:11 has version 70 of its stream, where"),
        ({"recorded_at_us": 2**63}, "a number or a time that is out of range"),
    ],
)
def test_what_the_values_themselves_show_is_said(change: dict[str, Any], words: str) -> None:
    log = list(CLEAN)
    log[10] = log[10]._replace(**change)
    verdict = judged(log)
    assert words in verdict.wrong[0]
    assert verdict.first_bad == (0, 11)


def test_each_partition_is_judged() -> None:
    second = events(20, partition=1, seed=3)
    both = {0: kept(COUNT), 1: [checkpoint_of("log/1", hashes(second))]}
    assert len(check(columns([*CLEAN, *second]), both).checked) == 2
    verdict = check(columns(CLEAN), both)
    assert verdict.first_bad == (1, 1)
    verdict = check(columns([*CLEAN, *second]), {0: kept(COUNT)})
    assert "partition 1: events 1 to 20" in verdict.not_checked[0]
    mixed = check(columns([*CLEAN[:9], *second, *CLEAN[9:]]), both)
    assert "The events of partition 0 are not in one place" in mixed.wrong


def test_a_source_that_breaks_is_judged_up_to_there() -> None:
    def broken(of: Sequence[Event]) -> Iterator[Columns]:
        yield from columns(of)
        raise Unproven("Line 7 is none")

    verdict = check(broken(CLEAN[:120]), {0: kept(100, COUNT), 1: kept(5)})
    assert "events 1 to 100" in verdict.checked[0]
    assert "Line 7 is none" in verdict.wrong
    assert verdict.first_bad == (0, 121)
    assert any("partition 1" in text for text in verdict.not_checked)
    verdict = check(broken(CLEAN), {0: kept(COUNT)})
    assert (verdict.wrong, verdict.first_bad) == (["Line 7 is none"], None)
    assert check(broken([]), {0: kept(COUNT)}).wrong == ["Line 7 is none"]
