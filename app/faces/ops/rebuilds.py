"""Rebuilds over HTTP: asked for, looked at, cancelled. Another process carries them out."""

from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from app.codecs.json_text import decode
from app.faces.ops.answers import answer, rows_of
from app.http.request import Reply, Request
from app.operations import rebuilds
from app.pages.forms import Form, form_of
from app.pages.twins import Table, table_reply
from app.service import Service
from domain.errors import NotFound

_PATH = "/ops/rebuilds"
_COLUMNS = (
    "id", "projections", "dryRun", "state", "phase", "events", "total", "rate", "eta", "compared",
    "damaged", "failure", "waitsFor", "askedBy", "askedAt", "requestId", "asks", "changedAt",
)  # fmt: skip


class _Asked(Struct, rename="camel", forbid_unknown_fields=True):
    """The body of an ask; without names, all views are meant."""

    projections: list[str] | None = None
    dry_run: bool | None = None


_DECODER = msgspec.json.Decoder(_Asked)


async def ask_rebuild(request: Request, service: Service) -> Reply:
    """`POST /ops/rebuilds`: records the ask; 202, and where to look for what comes of it."""
    asked = decode(_DECODER, request.body) if request.body.strip() else _Asked()
    rebuild, is_known = await rebuilds.ask(
        service.pool,
        asked.projections or [],
        dry_run=asked.dry_run is True,
        by=request.principal.name,
        request_id=request.request_id,
        key=request.call().metadata.idempotency_key,
    )
    replayed = [(b"idempotent-replayed", b"true")] if is_known else []
    location = (b"location", f"{_PATH}/{rebuild.id}".encode())
    return replace(_reply(request, rebuild), status=202, headers=[location, *replayed])


async def list_rebuilds(request: Request, service: Service) -> Reply:
    """`GET /ops/rebuilds`: the newest ones."""
    found = await rebuilds.rebuilds(service.pool)
    table = Table({"rebuilds": found}, rows_of(found), _COLUMNS)
    return answer(request, table, "rebuilds", {"found": found})


async def get_rebuild(request: Request, service: Service) -> Reply:
    """`GET /ops/rebuilds/{id}`: how far it is, what the comparison found, and who asked."""
    found = await rebuilds.find(service.pool, _id(request))
    if form_of(request) is not Form.HTML:
        return _reply(request, found)
    return answer(request, _table(found), "rebuilds", {"found": [found]})


async def cancel_rebuild(request: Request, service: Service) -> Reply:
    """`DELETE /ops/rebuilds/{id}`: it ends with its next page, and changes nothing."""
    by, request_id = request.principal.name, request.request_id
    await rebuilds.cancel(service.pool, _id(request), by=by, request_id=request_id)
    return Reply(204)


def _table(rebuild: rebuilds.Rebuild) -> Table:
    return Table(rebuild, rows_of([rebuild]), _COLUMNS)


def _reply(request: Request, rebuild: rebuilds.Rebuild) -> Reply:
    """A rebuild for a program; who asks by a browser gets JSON, too."""
    form = form_of(request)
    return table_reply(Form.JSON if form is Form.HTML else form, _table(rebuild))


def _id(request: Request) -> UUID:
    """The id in the path. Raises NotFound."""
    text = request.path["id"]
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("Rebuild", text) from None
