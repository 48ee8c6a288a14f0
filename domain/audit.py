"""What is on record of those who look: each auditor has a stream of the views of personal data."""

from collections.abc import Sequence
from typing import ClassVar

from msgspec import Struct
from msgspec.structs import replace

from domain.event import Event


class RecordView(Struct, frozen=True, kw_only=True):
    """Record that an auditor is about to see personal data unmasked."""

    auditor: str
    """The name of a principal."""
    reason: str
    """As the auditor gave it."""
    scope: str
    """The path and the filters of the request, without personal values."""


class PersonalDataViewed(Event, frozen=True, kw_only=True):
    """An auditor saw personal data unmasked."""

    topic: ClassVar[str] = "audit.viewed.v1"

    auditor: str
    reason: str
    scope: str


class AuditTrail(Struct, frozen=True, kw_only=True):
    """The state of an auditor's stream, folded from its events."""

    auditor: str
    viewed: int = 0
    """How often the auditor saw personal data unmasked."""


def decide(command: RecordView, _: AuditTrail | None) -> Sequence[PersonalDataViewed]:
    """The event that a view adds: each view is one."""
    return [PersonalDataViewed(auditor=command.auditor, reason=command.reason, scope=command.scope)]


def evolve(state: AuditTrail | None, event: PersonalDataViewed) -> AuditTrail:
    """The trail after one more event."""
    trail = state or AuditTrail(auditor=event.auditor)
    return replace(trail, viewed=trail.viewed + 1)
