"""What statements of a worker cost the database, by its own account."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import asyncpg
import pytest

from app.database.pool import Pool


class Costs:
    """The sums over some statements."""

    def __init__(self) -> None:
        self.rows = 0
        """Rows of tables that were looked at."""
        self.events = 0
        """Those of them that are events."""
        self.ms = 0.0
        """Execution, without the planning that is done once for each connection."""
        self.statements = 0

    def add(self, told: Mapping[str, Any]) -> None:
        """Count what `EXPLAIN ANALYZE` says of one statement."""
        self.statements += 1
        self.ms += told["Execution Time"]
        for node in _nodes(told["Plan"]):
            name = node.get("Relation Name")
            if name is not None:
                removed = sum(node.get(key, 0) for key in _REMOVED)
                seen = round((node["Actual Rows"] + removed) * node["Actual Loops"])
                self.rows += seen
                self.events += seen if name == "stored_events" else 0


_REMOVED = ("Rows Removed by Filter", "Rows Removed by Index Recheck")


@contextmanager
def explained(monkeypatch: pytest.MonkeyPatch) -> Iterator[Costs]:
    """Costs of the statements that any pool is asked within the block."""
    costs, ask = Costs(), Pool.ask

    async def asked(
        pool: Pool, sql: str, *arguments: object, writes: bool = False
    ) -> list[asyncpg.Record]:
        rows = await ask(pool, f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", *arguments)
        costs.add(json.loads(rows[0][0])[0])
        return list(await ask(pool, sql, *arguments, writes=writes))

    with monkeypatch.context() as patched:
        patched.setattr(Pool, "ask", asked)
        yield costs


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)
