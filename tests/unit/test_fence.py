"""When a standby may answer: it shows what the primary has shown, and nothing beside its log."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import pytest

from app.log.fence import Comparison, Verdict, compared, shown

Log = Sequence[Sequence[int]]
"""For each partition the numbers of its events."""


class Server:
    """A server that shows a log."""

    def __init__(
        self,
        log: Log,
        *,
        is_standby: bool = True,
        name: str = "log",
        marks: str = "{}",
        followers: int = 100,
    ) -> None:
        self.asked = 0
        self._log = log
        self._same = {"is_standby": is_standby, "log": name, "marks": marks}
        self._followers = followers

    async def ask(self, _sql: str, positions: Sequence[int | None]) -> Any:
        self.asked += 1
        wanted = [*positions, *[None] * len(self._log)]
        return [self._row(events, wanted[number]) for number, events in enumerate(self._log)]

    def _row(self, events: Sequence[int], wanted: int | None) -> dict[str, Any]:
        end = len(events)
        at = end if wanted is None else min(end, wanted)
        return self._same | {
            "position": at,
            "event_id": UUID(int=events[at - 1]) if at else None,
            "end": end,
            "end_id": UUID(int=events[-1]) if end else None,
            "followers": msgspec.json.encode({"history": min(at, self._followers)}).decode(),
        }


def primary(log: Log, **more: Any) -> Server:
    return Server(log, is_standby=False, **more)


async def verdict(
    standby: Server, there: Server, seen: dict[int, int] | None = None, later: Server | None = None
) -> Comparison:
    """How they compare; `later`: what the primary shows when it is asked again."""
    return await compared(await shown(there.ask, seen), (later or there).ask, standby.ask)


@pytest.mark.parametrize(
    ("log", "seen"),
    [([[1, 2, 3]], None), ([[]], None), ([[1, 2], [], [3]], None), ([[1, 2], [3]], {1: 1})],
    ids=["one partition", "no event", "several", "with a position seen"],
)
async def test_one_that_shows_the_same_is_read(log: Log, seen: dict[int, int] | None) -> None:
    there = primary(log)
    assert await verdict(Server(log), there, seen) == Comparison(Verdict.REACHED)
    assert there.asked == 1


@pytest.mark.parametrize("log", [[[1, 2], [5]], [[1, 2, 3], []]], ids=["first", "second"])
async def test_one_that_lacks_an_event_of_any_partition_is_not_read(log: Log) -> None:
    found = await verdict(Server(log), primary([[1, 2, 3], [5]]))
    assert found == Comparison(Verdict.NOT_YET, behind=1)


async def test_of_a_partition_whose_position_was_named_no_more_is_asked() -> None:
    there = primary([[1, 2, 3], [5, 6]])
    older = Server([[1, 2], [5, 6]])
    assert await verdict(older, there, {0: 2}) == Comparison(Verdict.REACHED, behind=1)
    assert (await verdict(older, there, {1: 1})).verdict is Verdict.NOT_YET
    assert (await verdict(older, there, {0: 9})).verdict is Verdict.NOT_YET


async def test_one_that_has_more_is_read_if_the_primary_has_the_same_by_then() -> None:
    there, later = primary([[1, 2]]), primary([[1, 2, 3, 4]])
    assert (await verdict(Server([[1, 2, 3]]), there, later=later)).verdict is Verdict.REACHED
    assert later.asked == 1


async def test_one_that_shows_a_commit_before_its_primary_does_is_not_read() -> None:
    assert (await verdict(Server([[1, 2, 3]]), primary([[1, 2]]))).verdict is Verdict.NOT_YET


@pytest.mark.parametrize(
    ("standby", "seen"),
    [
        (Server([[1, 9, 3]]), {0: 2}),
        (Server([[1, 2, 9]]), None),
        (Server([[1, 2, 9]]), {0: 2}),
        (Server([[1, 2, 3], []]), None),
        (Server([[1, 2, 3]], name="another"), None),
        (Server([]), None),
    ],
    ids=[
        "at the position", "at the end", "behind the position", "other partitions",
        "of another name", "of no log",
    ],
)  # fmt: skip
async def test_one_with_other_events_has_another_log(
    standby: Server, seen: dict[int, int] | None
) -> None:
    found = await verdict(standby, primary([[1, 2, 3]]), seen)
    assert found.verdict is Verdict.ANOTHER


async def test_one_whose_log_went_another_way_is_found_out_by_its_own_end() -> None:
    """As the standby of a primary that was restored from before."""
    there, later = primary([[1, 2]]), primary([[1, 2, 7, 8]])
    found = await verdict(Server([[1, 2, 3]]), there, later=later)
    assert found.verdict is Verdict.ANOTHER


async def test_one_that_takes_writes_is_none() -> None:
    there = primary([[1, 2]])
    assert (await verdict(primary([[1, 2]]), there)).verdict is Verdict.PRIMARY


async def test_an_erasure_or_a_key_that_it_lacks_keeps_it_from_being_read() -> None:
    """They are no later than the position, for whoever has seen an early one."""
    there = primary([[1, 2, 3]], marks='{"last_erasure": "3"}')
    assert (await verdict(Server([[1, 2, 3]]), there, {0: 1})).verdict is Verdict.NOT_YET


async def test_a_follower_must_be_as_far_as_on_the_primary() -> None:
    there, behind = primary([[1, 2, 3]], followers=2), Server([[1, 2, 3]], followers=1)
    assert (await verdict(behind, there)).verdict is Verdict.NOT_YET
    assert (await verdict(behind, there, {0: 1})).verdict is Verdict.REACHED
