"""Events appended a second while a follower hashes them and signs checkpoints, against without."""

import asyncio
import os
from functools import partial

from app.followers import tree
from app.proof import checkpoints

from .measure import BenchmarkFailed, Done, Pace, Sample, interleaved, timed
from .our_store import EVENTS_PER_SESSION, OurStore, our_store
from .report import Comparison, table
from .stage import Stage
from .store import CALLERS

WARM_SESSIONS = 1_000
OLDEST_S = 15.0
"""No event may be older than this without a checkpoint."""
_LOOK_S = 0.5


class _Sealed:
    """A store in whose process a follower makes the tree, as it does in a worker."""

    def __init__(self, store: OurStore) -> None:
        self._store = store
        self.oldest_s = 0.0

    def append(self, pace: Pace) -> Done:
        """Append for some time, beside the follower."""
        return self._store.loop.run(self._append(pace))

    async def _append(self, pace: Pace) -> Done:
        log, settings = self._store.service.log, self._store.service.settings
        beside = [
            asyncio.create_task(tree.follower(log, settings).keep_following()),
            asyncio.create_task(self._look()),
        ]
        try:
            return await self._store.appended(CALLERS, seconds=pace.seconds)
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            found = await checkpoints.covers(self._store.service.pool)
            self.oldest_s = max(self.oldest_s, *(each.age_s or 0.0 for each in found))


def run(stage: Stage, pace: Pace) -> str:
    """Measure, and tell in a Markdown table."""
    with our_store(stage, "sealed") as with_it, our_store(stage, "unsealed") as without:
        for each in (with_it, without):
            each.append_sessions(CALLERS, WARM_SESSIONS)
        sealed = _Sealed(with_it)
        uses = [os.getpid(), stage.postmaster]
        cells: dict[str, partial[Sample]] = {
            "with": partial(timed, partial(sealed.append, pace), uses),
            "without": partial(timed, partial(without.append, CALLERS, pace.seconds), uses),
        }
        runs = interleaved(cells, pace.rounds)
    if sealed.oldest_s > OLDEST_S:
        raise BenchmarkFailed(f"An event was {sealed.oldest_s:.1f} s old without a checkpoint")
    comparison = Comparison(f"{CALLERS} callers", 0.97, runs["with"], runs["without"])
    title = f"Store beside the tree, against without it: events ({EVENTS_PER_SESSION} a stream)"
    told = f"The oldest event without a checkpoint was {sealed.oldest_s:.1f} s old."
    return f"{table(title, [comparison])}\n{told}\n"
