"""The view of principals: one row for each, and one for all strangers."""

from domain.principal.state import PrincipalInfo, evolve
from projections.view import View

VIEW = View(
    projection="principal",
    version=1,
    kind="principal",
    state=PrincipalInfo,
    evolve=evolve,
    gone=lambda _: False,
    session_id=lambda _, principal: f"principal:{principal.name}",
)
