"""The view of auditors' trails: one row for each auditor who saw personal data unmasked."""

from domain.audit import AuditTrail, evolve
from projections.view import View

VIEW = View(
    projection="audit_trail",
    version=1,
    kind="audit",
    state=AuditTrail,
    evolve=evolve,
    gone=lambda _: False,
    session_id=lambda _, trail: f"audit:{trail.auditor}",
)
