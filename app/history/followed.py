"""How far the histories and the index of events have followed the log."""

import asyncio
from collections.abc import Sequence

from app.database.sql import blocks
from app.history.moments import Cut
from app.log.read import Asks

SQL = blocks(__file__)
PEOPLE = "people"
"""The follower by whose terms people are found."""
TREE = "tree"
"""The follower that hashes events."""
FOLLOWERS = ("history", "activity", PEOPLE, TREE)
"""The names of our own followers; the first one is that of the histories."""
_PAUSE_S = 0.02


def own_follower(name: str) -> str:
    """The follower that keeps the history of one version of a view, if there are several."""
    return f"{FOLLOWERS[0]}_{name}"


class NotYet(Exception):
    """The follower has not reached a moment of the log: ask again a little later."""

    def __init__(self, cut: Sequence[int], reached: Sequence[int]) -> None:
        """`cut`: of the moment; `reached`: where the follower is."""
        self.behind = sum(max(0, end - at) for end, at in zip(cut, reached, strict=True))
        """Events that are still to be taken up."""
        super().__init__(f"The histories are {self.behind} events behind that moment: try again")


async def reached(store: Asks, follower: str = FOLLOWERS[0], views: Sequence[str] = ()) -> Cut:
    """The position of each partition up to which a follower is done.

    `views`: those of their histories that have followers of their own go up to there, too. Raises
    StoreDown.
    """
    rows = await store.ask(SQL["reached"], follower, list(views))
    return tuple(row["position"] for row in rows)


async def wait_for(
    store: Asks,
    cut: Sequence[int],
    wait_s: float,
    follower: str = FOLLOWERS[0],
    views: Sequence[str] = (),
) -> None:
    """Return once a follower is done up to a cut, and `views` as for `reached`.

    Raises NotYet after `wait_s`, StoreDown.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_s
    while True:
        now = await reached(store, follower, views)
        if all(at >= end for at, end in zip(now, cut, strict=True)):
            return
        if loop.time() >= deadline:
            raise NotYet(cut, now)
        await asyncio.sleep(_PAUSE_S)
