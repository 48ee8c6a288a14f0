"""Rebuilds and the like over HTTP: asked for, looked at, paused, cancelled; done elsewhere."""

from typing import Literal
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from app.codecs.json_text import decode
from app.faces.ops.answers import answer, rows_of
from app.http.request import Reply, Request
from app.operations import asks, rebuilds
from app.pages.forms import Form, form_of
from app.pages.twins import Table, table_reply
from app.service import Service
from domain.errors import NotFound

PATH = "/ops/rebuilds"
_COLUMNS = (
    "id", "kind", "projections", "stream", "dryRun", "state", "phase", "events", "total", "rate",
    "eta", "compared", "shows", "damaged", "failure", "waitsFor", "ways", "askedBy", "askedAt",
    "requestId", "asks", "changedAt",
)  # fmt: skip


class _Asked(Struct, rename="camel", forbid_unknown_fields=True):
    """The body of an ask; without names, all views are meant."""

    kind: Literal["rebuild", "back", "redrive"] = "rebuild"
    projections: list[str] | None = None
    stream: UUID | None = None
    dry_run: bool | None = None


_DECODER = msgspec.json.Decoder(_Asked)


async def ask_rebuild(request: Request, service: Service) -> Reply:
    """`POST /ops/rebuilds`: records the ask; 202, and where to look for what comes of it."""
    given = decode(_DECODER, request.body) if request.body.strip() else _Asked()
    asked = asks.Asked(
        what=given.kind,
        names=given.projections or (),
        stream=given.stream,
        dry_run=given.dry_run is True,
    )
    key = request.call().caller.idempotency_key
    rebuild, is_known = await asks.ask(service.pool, asked, asker(request, key))
    replayed = [(b"idempotent-replayed", b"true")] if is_known else []
    location = (b"location", f"{PATH}/{rebuild.id}".encode())
    return replace(_reply(request, rebuild), status=202, headers=[location, *replayed])


async def list_rebuilds(request: Request, service: Service) -> Reply:
    """`GET /ops/rebuilds`: the newest ones."""
    found = await rebuilds.rebuilds(service.pool)
    table = Table({"rebuilds": found}, rows_of(found), _COLUMNS)
    shown = {"found": found, "one": False}
    if form_of(request) is Form.HTML:
        shown |= await askable(service)
    return answer(request, table, "rebuilds", shown)


async def get_rebuild(request: Request, service: Service) -> Reply:
    """`GET /ops/rebuilds/{id}`: how far it is, what the comparison found, and who asked."""
    found = await rebuilds.find(service.pool, _id(request))
    if form_of(request) is not Form.HTML:
        return _reply(request, found)
    return answer(request, _table(found), "rebuilds", {"found": [found], "one": True})


async def pause_rebuild(request: Request, service: Service) -> Reply:
    """`POST /ops/rebuilds/{id}/pause`: it stops with its next page, and keeps what it has."""
    return await _steered(request, service, "pause")


async def resume_rebuild(request: Request, service: Service) -> Reply:
    """`POST /ops/rebuilds/{id}/resume`: an operator process goes on with it."""
    return await _steered(request, service, "resume")


async def cancel_rebuild(request: Request, service: Service) -> Reply:
    """`DELETE /ops/rebuilds/{id}`: it ends with its next page, and changes nothing."""
    await asks.steer(service.pool, _id(request), "cancel", asker(request))
    return Reply(204)


async def askable(service: Service) -> dict[str, object]:
    """What a form can ask for."""
    return {"views": asks.VIEW_NAMES, "followers": await asks.followers(service.pool)}


def asker(request: Request, key: str | None = None) -> asks.Asker:
    """Who asks by a request; `key`: its idempotency key."""
    return asks.Asker(request.principal.name, request.request_id, key)


async def _steered(request: Request, service: Service, what: rebuilds.Steering) -> Reply:
    rebuild = _id(request)
    await asks.steer(service.pool, rebuild, what, asker(request))
    return replace(_reply(request, await rebuilds.find(service.pool, rebuild)), status=202)


def _table(rebuild: rebuilds.Rebuild) -> Table:
    return Table(rebuild, rows_of([rebuild]), _COLUMNS)


def _reply(request: Request, rebuild: rebuilds.Rebuild) -> Reply:
    """A rebuild for a program; who asks by a browser gets JSON, too."""
    form = form_of(request)
    return table_reply(Form.JSON if form is Form.HTML else form, _table(rebuild))


def _id(request: Request) -> UUID:
    """The id in the path. Raises NotFound."""
    return id_of(request.path["id"])


def id_of(text: str) -> UUID:
    """The id of a rebuild. Raises NotFound for what cannot be one."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("Rebuild", text) from None
