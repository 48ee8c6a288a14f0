"""The access log, and the requests that an operator looks at: slow, failed and refused ones.

Neither holds a path, a query or a body: they may name a person. The route's template says what was
asked for, and the request's id leads to its events.
"""

import logging
import multiprocessing
import os
from collections import Counter, deque
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from app.concurrency.time_spent import TimeSpent
from app.settings import Settings
from app.telemetry.logs import ACCESS, with_fields

KEPT = 40
"""Requests of each kind that are remembered: a flood of one kind hides none of the others."""
PROBES = "system"
"""The face of probes and scrapes, which come every few seconds: only `all` shows them."""
_LOG = logging.getLogger(ACCESS)
_FILE = "requests-{}.json"
_ENCODER = msgspec.json.Encoder()

Kind = Literal["slow", "failed", "refused"]
"""`failed`: with a status from 500 on; `refused`: from 400 on; `slow`: none of these."""


class Route(Struct, frozen=True):
    """An operation at one of its paths."""

    face: str
    operation: str
    template: str
    """With `{name}` for each parameter."""


class Milliseconds(Struct, frozen=True, kw_only=True, rename="camel"):
    """The time of a request. What goes on at once counts each, and nothing counts below 0."""

    total: float
    waiting: float
    deciding: float
    database: float
    rest: float


class Answered(Struct, frozen=True, kw_only=True, rename="camel"):
    """A request that was slow or did not succeed."""

    kind: Kind
    at: datetime
    """Of its answer."""
    request_id: str
    method: str
    face: str
    operation: str
    route: str
    """Empty where there is none."""
    status: int
    actor: str | None
    worker: str
    milliseconds: Milliseconds


_DECODER = msgspec.json.Decoder(list[Answered])
NO_ROUTE = Route("", "", "")


class Requests:
    """What one worker tells of its requests."""

    def __init__(self, settings: Settings) -> None:
        """Nothing was answered yet."""
        self._access_log = settings.access_log
        self.slow_s = settings.slow_request_s
        """A request that takes longer is slow."""
        self.worker = multiprocessing.current_process().name
        self.is_open = settings.access_log == "all"
        """Whether every request is of interest."""
        self.logs_refusals = self._is_logged(503, slow=False)
        """Whether each refused request has a line in the access log."""
        self._kept: dict[Kind, deque[Answered]] = {
            kind: deque(maxlen=KEPT) for kind in ("slow", "failed", "refused")
        }
        folder = settings.metrics_folder
        self._folder = None if folder is None else Path(folder)
        self._changed = False

    def saw(
        self, route: Route, method: str, status: int, seconds: float, spent: TimeSpent,
        *, request_id: str, actor: str | None,
    ) -> None:  # fmt: skip
        """Take note of an answer after so many seconds, as far as it is of interest."""
        slow = seconds - spent.idle_s > self.slow_s
        split = _split(seconds, spent)
        if self._is_logged(status, slow=slow) and (self.is_open or route.face != PROBES):
            _write(route, method, status, split, slow=slow, request_id=request_id)
        if route.face == PROBES or not (slow or status >= 400):
            return
        kind: Kind = "failed" if status >= 500 else "refused" if status >= 400 else "slow"
        self._changed = True
        self._kept[kind].append(
            Answered(
                kind=kind,
                at=datetime.now(UTC),
                request_id=request_id,
                method=method,
                face=route.face,
                operation=route.operation,
                route=route.template,
                status=status,
                actor=actor,
                worker=self.worker,
                milliseconds=split,
            )
        )

    def everywhere(self) -> list[Answered]:
        """The newest of all workers of this node, newest first; others' are up to 2 s behind."""
        found: list[Answered] = list(chain.from_iterable(self._kept.values()))
        for file in () if self._folder is None else self._folder.glob(_FILE.format("*")):
            with suppress(OSError, msgspec.MsgspecError):  # that worker has just gone
                if file.name != _FILE.format(self.worker):
                    found += _DECODER.decode(file.read_bytes())
        found.sort(key=lambda each: each.at, reverse=True)
        nth = Counter[Kind]()
        return [each for each in found if _counted(nth, each.kind) <= KEPT]

    def share(self) -> None:
        """Let the other workers see what has changed."""
        if self._folder is None or not self._changed:
            return
        self._changed = False
        file = self._folder / _FILE.format(self.worker)
        fresh = file.with_suffix(".new")
        with suppress(OSError):  # a full disk: they see it later
            fresh.write_bytes(_ENCODER.encode(list(chain.from_iterable(self._kept.values()))))
            os.replace(fresh, file)

    def _is_logged(self, status: int, *, slow: bool) -> bool:
        match self._access_log:
            case "all":
                return True
            case "errors":
                return status >= 400
            case "slow":
                return slow
            case _:
                return False


def _counted(counts: "Counter[Kind]", kind: Kind) -> int:
    counts[kind] += 1
    return counts[kind]


def _split(seconds: float, spent: TimeSpent) -> Milliseconds:
    known_s = spent.waiting_s + spent.deciding_s + spent.database_s
    return Milliseconds(
        total=_ms(seconds),
        waiting=_ms(spent.waiting_s),
        deciding=_ms(spent.deciding_s),
        database=_ms(spent.database_s),
        rest=_ms(max(0.0, seconds - known_s)),
    )


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)


def _write(
    route: Route, method: str, status: int, split: Milliseconds, *, slow: bool, request_id: str
) -> None:
    fields = {
        "face": route.face or None,
        "operation": route.operation or None,
        "method": method,
        "route": route.template or None,
        "status": status,
        "slow": slow,
        "ms": split.total,
        "waitingMs": split.waiting,
        "decidingMs": split.deciding,
        "databaseMs": split.database,
        "restMs": split.rest,
        "requestId": request_id,
    }
    level = logging.WARNING if slow or status >= 500 else logging.INFO
    _LOG.log(level, "Answered %s", "slowly" if slow else "a request", extra=with_fields(fields))
