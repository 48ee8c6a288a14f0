"""The face of auditors, over HTTP: what happened, what was, who did it, and who looked."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from types import MappingProxyType

from msgspec.structs import replace

from app.auth.principals import Principal
from app.faces.audit import (
    erase_form,
    erasing,
    events,
    feed,
    people,
    proof_page,
    proofs,
    receipts,
    sessions,
)
from app.faces.audit.as_answered import Answered
from app.faces.audit.filters import Known
from app.faces.audit.pages.go import go_to
from app.faces.audit.rights import POLICY, may_audit, may_protect, may_see_receipts
from app.http.errors import Refusal, Responses
from app.http.operation import Face, Operation, Routes, always
from app.http.request import Reply, Request
from app.pages.answer import Link
from app.pages.forms import SUFFIXES
from app.pages.twins import refusal
from app.service import Service

NAME = "audit"
BACK = (Link("/audit/events", "Events"), Link("/audit/access", "Access"))


class AuditFace:
    """Answers errors as `{"error": {…}}`, in the form that is asked for."""

    name = NAME
    prefix = "/audit/"
    suffixes = SUFFIXES
    overridable = False
    refuses_alike = False
    policy = POLICY
    responses: Responses = MappingProxyType({**proofs.RESPONSES, **receipts.RESPONSES})

    def __init__(self, others: Sequence[Face] = ()) -> None:
        """`others`: the faces whose operations can be searched for, beside its own."""
        known = Known(others, self)
        self.routes: Routes = _routes(known, Answered(others))

    def refuse(self, refused: Refusal, request: Request | None) -> Reply:
        """The error: a stable word, a sentence, the parameter at fault, the request's id."""
        return refusal(refused, request, BACK)


_Handler = Callable[[Request, Service], Awaitable[Reply]]


def _get(
    name: str, handler: _Handler, admit: Callable[[Principal], None] = may_audit
) -> dict[str, Operation]:
    return {"GET": Operation(name=name, handler=handler, admit=admit, is_safe=True)}


def _reads(name: str, handler: _Handler) -> dict[str, Operation]:
    """An operation that a standby may answer.

    The feed is none: its cursors count on the end of the log itself. Nor is what depends on
    receipts, checkpoints or what is held on people.
    """
    (operation,) = _get(name, handler).values()
    return {"GET": replace(operation, reads=always)}


def _erases(name: str, handler: _Handler) -> Operation:
    return Operation(name=name, handler=handler, admit=may_protect)


def _routes(known: Known, answered: Answered) -> Routes:
    return {
        "/audit/events": _reads("ListEvents", partial(events.find_events, known)),
        "/audit/events/{event}": _reads("GetEvent", events.get_event),
        "/audit/sessions/{id}": _reads("GetSessionAsOf", partial(sessions.get_state, answered)),
        "/audit/sessions/{id}/history": _reads("GetSessionHistory", sessions.get_history),
        "/audit/sessions/{id}/provenance": _reads("GetProvenance", sessions.get_provenance),
        "/audit/sessions/{id}/diff": _reads("GetDifference", sessions.get_difference),
        "/audit/sessions/{id}/views": _reads("ListViews", sessions.get_views),
        "/audit/go": _get("GoTo", go_to),
        "/audit/feed": _get("GetFeed", feed.get_feed),
        "/audit/access": _reads("ListAccess", events.list_access),
        "/audit/proof": _get("GetProof", proof_page.get_proof),
        "/audit/proof/verifier.py": _get("GetVerifier", proof_page.get_verifier),
        "/audit/checkpoint": _get("GetCheckpoint", proofs.get_checkpoint),
        "/audit/checkpoint/key": _get("GetCheckpointKey", proofs.get_key),
        "/audit/proof/inclusion": _get("ProveInclusion", proofs.get_inclusion),
        "/audit/proof/inclusion.tlog-proof": _get("GetProofFile", proofs.get_proof_file),
        "/audit/proof/consistency": _get("ProveConsistency", proofs.get_consistency),
        "/audit/tiles/{partition}/checkpoint": _get(
            "GetTilesCheckpoint", proofs.get_tiles_checkpoint
        ),
        **{
            f"/audit/tiles/{{partition}}/tile/{{level}}/{path}": _get("GetTile", proofs.get_tile)
            for path in proofs.TILE_PATHS
        },
        "/audit/receipts": _get("ListReceipts", receipts.list_receipts, may_see_receipts),
        "/audit/receipts/{id}": _get("GetReceipt", receipts.get_receipt, may_see_receipts),
        "/audit/people": _get("FindPeople", people.find_people, may_protect),
        "/audit/people/export": _get("ExportPerson", people.export_person, may_protect),
        "/audit/people/erasures": _get("ListErasures", erase_form.list_erasures, may_protect),
        "/audit/people/erase": {
            **_get("ShowErase", erase_form.show_form, may_protect),
            "POST": _erases("ErasePerson", erasing.erase_person),
        },
        "/audit/sessions/{id}/personal-data": {
            "DELETE": _erases("ErasePersonalData", erasing.erase_session)
        },
    }
