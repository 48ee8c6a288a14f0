"""What was erased so far: each erasure with its sessions, by whom, when and on which ground."""

from datetime import datetime

from msgspec import Struct

from app.history.reader import Reader
from app.history.search import EventQuery, SearchedLog, find
from app.history.terms import type_name
from app.history.times import time_text
from app.log.audited import AuditedEvent
from domain.event import Erasure
from domain.stored import ERASURES
from projections.fold import Recorded

MAX_EVENTS = 1_000
"""The latest events of each kind of session that are looked at."""


class ErasedOf(Struct, frozen=True, kw_only=True, rename="camel"):
    """A session of which personal data was erased."""

    session_id: str
    subjects: list[str]
    position: str
    """Of the event that says so."""


class ErasureShown(Struct, frozen=True, kw_only=True, rename="camel"):
    """One erasure."""

    erasure_id: str
    asked_by: str
    at: str
    """Of its last session."""
    approved_by: str | None
    reason: str
    sessions: list[ErasedOf]


async def erasures(
    log: SearchedLog, reader: Reader, erasure_id: str | None, most: int
) -> list[ErasureShown]:
    """The latest erasures, newest first; `erasure_id`: that one alone. Raises NotYet, StoreDown."""
    found: list[AuditedEvent] = []
    for kind in ERASURES.values():
        wanted = EventQuery(type=type_name(kind.topic), limit=MAX_EVENTS)
        found += (await find(log, wanted)).events
    found.sort(key=_when, reverse=True)
    known = await reader.identities(event.stream for event in found)
    shown: dict[str, ErasureShown] = {}
    for event in found:
        erasure = event.recorded.event if isinstance(event.recorded, Recorded) else None
        if not isinstance(erasure, Erasure) or erasure_id not in (None, erasure.erasure_id):
            continue
        if erasure.erasure_id not in shown and len(shown) == most:
            break
        one = shown.setdefault(
            erasure.erasure_id,
            ErasureShown(
                erasure_id=erasure.erasure_id,
                asked_by=event.actor,
                at=time_text(event.recorded_at),
                approved_by=erasure.approved_by or None,
                reason=erasure.reason,
                sessions=[],
            ),
        )
        one.sessions.append(
            ErasedOf(
                session_id=known[event.stream].session_id,
                subjects=list(erasure.subjects),
                position=f"{event.partition}:{event.position}",
            )
        )
    return list(shown.values())


def _when(event: AuditedEvent) -> tuple[datetime, int, int]:
    return event.recorded_at, event.partition, event.position
