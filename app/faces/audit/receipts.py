"""Receipts of erasures: listed, and each as the line that the log has signed."""

from types import MappingProxyType
from uuid import UUID

import msgspec
from msgspec import Struct

from app.codecs.json_text import BadInput
from app.erasure.receipts import Listed, NotIssued, page, signed
from app.faces.audit.query import Query
from app.http.errors import Responses
from app.http.request import Reply, Request
from app.pages.forms import Form
from app.pages.twins import reply
from app.service import Service
from domain.errors import NotFound

RESPONSES: Responses = MappingProxyType({NotIssued: (503, "ReceiptNotSigned")})
_WAIT_S = 5.0
"""For the tree, which takes up new events within a second; without them the receipt says so."""
_SHOWN = 60


class _Page(Struct):
    receipts: list[Listed]
    next: UUID | None
    """For `before`, if there are more."""


async def list_receipts(request: Request, service: Service) -> Reply:
    """`GET /audit/receipts`: what was erased when, by whom and why, the latest first."""
    query = Query(request, ("before", "limit"))
    limit, before = query.limit(), query.text("before")
    found = await page(service.log, None if before is None else _id(before), limit + 1)
    shown = found[:limit]
    told = _Page(shown, shown[-1].id if len(found) > limit else None)
    return reply(Form.JSON, msgspec.json.encode(told))


async def get_receipt(request: Request, service: Service) -> Reply:
    """`GET /audit/receipts/{id}`: the receipt, signed now if it was not before."""
    Query(request, ())
    text = request.path["id"]
    try:
        receipt_id = UUID(text)
    except ValueError:
        raise NotFound("Receipt", text[:_SHOWN]) from None
    return await receipt_reply(service, receipt_id)


async def receipt_reply(service: Service, receipt_id: UUID) -> Reply:
    """A receipt. Raises NotFound, NotIssued, StoreDown."""
    line = await signed(service.log, service.settings, receipt_id, _WAIT_S)
    return reply(Form.JSON, line.encode())


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise BadInput("before takes the id of a receipt", field="before") from None
