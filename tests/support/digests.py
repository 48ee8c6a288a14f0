"""Digests of views: of their tables, and of the log folded in memory one event at a time."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from app.history.streams import folded_streams, undamaged
from app.log.keyring import Keyring
from app.log.read import heads
from app.maintenance.store import Connection
from projections.catalog import VIEWS
from projections.view import WRITTEN


async def of_tables(store: Connection, suffix: str = "") -> dict[str, str]:
    """By view; `suffix`: `_old` for the former tables."""
    return {
        view.name: _digest(await store.ask(f"SELECT {', '.join(WRITTEN)} FROM {view.name}{suffix}"))
        for view in VIEWS
    }


async def of_the_log(store: Connection, keyring: Keyring) -> dict[str, str]:
    """By view."""
    rows: dict[str, list[tuple[Any, ...]]] = {view.name: [] for view in VIEWS}
    for head in await heads(store):
        async for page, _ in folded_streams(store, keyring, head):
            for current, folded in undamaged(page, _never, _never):
                for view in VIEWS:
                    if view.kind != current.kind:
                        continue
                    if (row := view.row(folded, keyring.seal_in_view)) is not None:
                        rows[view.name].append(row)
    return {name: _digest(those) for name, those in rows.items()}


def _never(what: object) -> None:
    raise AssertionError(what)


def _digest(rows: Iterable[Iterable[Any]]) -> str:
    texts = sorted(repr(_plain(row)) for row in rows)
    return f"{len(texts)} rows, {hashlib.sha256(''.join(texts).encode()).hexdigest()}"


def _plain(row: Iterable[Any]) -> list[str]:
    *envelope, doc, search = row
    documents = [json.dumps(json.loads(text or "null"), sort_keys=True) for text in (doc, search)]
    return [*map(str, envelope), *documents]
