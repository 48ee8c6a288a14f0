"""The view of legal holds: one row for each that is not lifted."""

from domain.hold import Hold, evolve
from projections.view import View

VIEW = View(
    projection="legal_hold",
    version=1,
    kind="hold",
    state=Hold,
    evolve=evolve,
    gone=lambda hold: hold.lifted is not None,
    session_id=lambda _, hold: f"hold:{hold.target}",
)
