"""What a receipt says of copies of the database from before the erasure."""

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from app.history.times import time_text

_MEANS = (
    "A copy of the database from before the erasure holds the keys: with the master key, it brings "
    "the data back. By the policy of this service such copies are gone after {days} days; a sealed "
    "backup cannot be opened once its own key is destroyed, as it is to be at `sealedUntil`. The "
    "time in `until` is the later one. `sealed` and `unsealed` count the backups that the log "
    "knows of, unsealed ones of the last {days} days before the erasure; nothing here shows that "
    "they are gone, or that there are no others. `destroyed` counts sealed ones whose key is on "
    "record as destroyed: nobody opens these. Before that, whoever restores one has to erase "
    "again what receipts and lists of erasures name."
)


class Copies(Struct, frozen=True):
    """The backups that were begun before an erasure."""

    sealed: int = 0
    sealed_until: datetime | None = None
    """When the last of their keys is to be destroyed."""
    unsealed: int = 0
    """Those that are not gone by the policy."""
    last_unsealed: datetime | None = None
    destroyed: int = 0
    """Sealed ones whose keys are on record as destroyed; they are not among the others."""
    last_destroyed: datetime | None = None


def copies_told(erased_at: datetime, days: int, copies: Copies) -> dict[str, Any]:
    """The member `backups` of a receipt; `days`: after which, by the policy, copies are gone."""
    until = erased_at + timedelta(days=days)
    if copies.sealed_until is not None:
        until = max(until, copies.sealed_until)
    return {
        "horizonDays": days,
        "until": time_text(until),
        "sealed": copies.sealed,
        "sealedUntil": _time(copies.sealed_until),
        "unsealed": copies.unsealed,
        "lastUnsealed": _time(copies.last_unsealed),
        "destroyed": copies.destroyed,
        "lastDestroyed": _time(copies.last_destroyed),
        "means": _MEANS.format(days=days),
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else time_text(at)
