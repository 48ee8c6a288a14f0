"""What auditors see of proofs: checkpoints, what one that they kept says, the verifier."""

from collections.abc import Sequence

import msgspec

from app.codecs.json_text import BadInput
from app.faces.audit.pages.asked import Asked
from app.faces.audit.pages.times import shown as time_shown
from app.faces.audit.query import Query
from app.http.request import Reply, Request
from app.operations import deeds
from app.operations.deeds import Deed
from app.operations.words import whom
from app.pages.answer import page
from app.pages.forms import Form, form_of
from app.pages.twins import Table, table_reply
from app.proof import standalone, standing
from app.proof.standing import Compared, Standing
from app.proof.trees import Unproven
from app.service import Service

_COLUMNS = ("partition", "origin", "events", "size", "signedAt", "ageSeconds", "witnesses", "note")
_VERIFY = "verify"
_SHOWN_DEEDS = 10
_LATE = 2
"""Intervals after which a checkpoint is late."""
_ATTACHMENT = (b"content-disposition", b'attachment; filename="verifier.py"')
_PYTHON = b"text/x-python; charset=utf-8"


async def get_proof(request: Request, service: Service) -> Reply:
    """`GET /audit/proof`: checkpoints by partition; with `note`, how the log compares with it."""
    query, form = Query(request, ("partition", "note")), form_of(request)
    found = await standing.standing(service.pool)
    number = query.number("partition", 0, least=0, most=len(found) - 1)
    compared = await _compared(service, query.text("note"))
    verified = await deeds.named(service.pool, _VERIFY, _SHOWN_DEEDS)
    if form is Form.HTML:
        keys = await standing.keys_of(service.pool)
        late_s = _LATE * service.settings.checkpoint_every_s
        return _page(request, found, number, compared, verified, keys, late_s)
    whole = {"partitions": found, "compared": compared, "verifications": verified}
    return table_reply(form, Table(whole, msgspec.to_builtins(found), _COLUMNS))


async def get_verifier(request: Request, _: Service) -> Reply:
    """`GET /audit/proof/verifier.py`: the verifier, which needs nothing else of ours."""
    Query(request, ())
    return Reply(200, standalone.text().encode(), (_ATTACHMENT,), _PYTHON)


async def _compared(service: Service, note: str | None) -> Compared | None:
    """Raises BadInput for what no log, or another one, has signed."""
    if note is None:
        return None
    try:
        return await standing.compared(service.pool, note)
    except Unproven as why:
        raise BadInput(str(why), field="note") from None


def _page(
    request: Request,
    found: list[Standing],
    number: int,
    compared: Compared | None,
    verified: list[Deed],
    keys: Sequence[str],
    late_s: float,
) -> Reply:
    asked = Asked(request)
    zone = asked.clock.zone
    return page(
        request,
        "audit/proof.html.jinja",
        asked=asked,
        partitions=found,
        chosen=found[number],
        signed={
            each.partition: "" if each.signed_at is None else time_shown(each.signed_at, zone)
            for each in found
        },
        late=[each.partition for each in found if each.age_seconds > late_s],
        late_s=late_s,
        compared=compared,
        verified=[(each, time_shown(each.ended_at, zone)) for each in verified],
        whom=whom,
        keys=keys,
        exports=asked.exports(),
    )
