"""The face of operators, over HTTP: what runs, how far behind it is, and what is in its way."""

from types import MappingProxyType

import msgspec

from app.auth.principals import Principal
from app.auth.roles import OPERATOR, SYSTEM_ADMINISTRATOR
from app.faces.ops import rebuilds as asked
from app.faces.ops.activity import get_activity
from app.faces.ops.answers import BACK, answer, rows_of
from app.faces.ops.asking import ASK, send_ask, show_ask
from app.faces.ops.line import line
from app.faces.ops.node import node_facts
from app.http.errors import Refusal, Responses
from app.http.identify import AuthPolicy
from app.http.operation import Handler, Operation, Routes
from app.http.request import Reply, Request
from app.operations import partitions, projections, rebuilds, status, stuck
from app.operations.words import facts, size
from app.pages.forms import Form, form_of
from app.pages.twins import Table, refusal
from app.service import Service
from app.telemetry.node import node
from app.telemetry.operations import operations
from app.telemetry.requests import Answered

_PROJECTION = (
    "name", "version", "partition", "position", "lagEvents", "lagSeconds", "state", "owner",
    "lastRebuild",
)  # fmt: skip
_STUCK = (
    "kind", "sentence", "seconds", "pid", "blocker", "name", "position", "stream", "error",
)  # fmt: skip


_LATEST = 5
"""Rebuilds that are shown beside the views."""


class OpsFace:
    """Answers in JSON, NDJSON, CSV or pages, errors too."""

    name = "ops"
    prefix = "/ops"
    suffixes: frozenset[str] = frozenset({"json", "ndjson", "csv", "html"})
    overridable = False
    refuses_alike = False
    policy = AuthPolicy()
    responses: Responses = MappingProxyType({})

    def __init__(self) -> None:
        """Takes all operations into its routes."""
        self.routes: Routes = ROUTES

    def refuse(self, refused: Refusal, request: Request | None) -> Reply:
        """The error: a stable word, a sentence, the parameter at fault, the request's id."""
        return refusal(refused, request, BACK)


async def get_status(request: Request, service: Service) -> Reply:
    """`GET /ops/status`, `/ops`: one sentence, and what it rests on."""
    standing = None if service.standby is None else service.standby.standing
    found, settings = await status.status(service.pool, standing), service.settings
    here = node(settings.metrics_folder, settings.embedded_data_dir)
    told = [*facts(found), *node_facts(here)]
    rows = [{"what": what, "value": value} for what, value in told]
    whole = {**msgspec.to_builtins(found), "node": here}
    table = Table(whole, rows, ("what", "value"))
    shown = {"found": found, "facts": told, "line": line(found.rates)}
    return answer(request, table, "status", shown)


async def list_projections(request: Request, service: Service) -> Reply:
    """`GET /ops/projections`, `/ops/views`: each view and follower."""
    found = await projections.projections(service.pool)
    table = Table({"projections": found}, rows_of(found), _PROJECTION)
    shown: dict[str, object] = {"found": found}
    if form_of(request) is Form.HTML:
        shown |= await asked.askable(service)
        shown["halted"] = await stuck.stuck(service.pool, found)
        shown["ways_back"] = await rebuilds.ways_back(service.pool)
        shown["rebuilds"] = await rebuilds.rebuilds(service.pool, _LATEST)
    return answer(request, table, "views", shown)


async def list_partitions(request: Request, service: Service) -> Reply:
    """`GET /ops/partitions`: which node has each, how much it holds, how fast it grows."""
    found = await partitions.partitions(service.pool)
    columns = partitions.Partition.__struct_encode_fields__
    table = Table({"partitions": found}, rows_of(found), columns)
    return answer(request, table, "partitions", {"found": found, "size": size})


async def list_stuck(request: Request, service: Service) -> Reply:
    """`GET /ops/stuck`: what does not go on, and what is in its way."""
    found = await stuck.stuck(service.pool)
    table = Table({"stuck": found}, rows_of(found), _STUCK)
    return answer(request, table, "stuck", {"halted": found})


async def list_requests(request: Request, service: Service) -> Reply:
    """`GET /ops/requests`: slow, failed and refused ones of this node, and all operations."""
    found = service.requests.everywhere()
    figures = operations(service.settings.metrics_folder)
    whole = {"requests": found, "operations": figures}
    table = Table(whole, rows_of(found), Answered.__struct_encode_fields__)
    return answer(request, table, "requests", {"found": found, "operations": figures})


def _may_operate(principal: Principal) -> None:
    principal.require(OPERATOR, SYSTEM_ADMINISTRATOR)


def _operation(
    name: str, handler: Handler, *, is_safe: bool = False, is_form: bool = False
) -> Operation:
    return Operation(
        name=name, handler=handler, admit=_may_operate, is_safe=is_safe, is_form=is_form
    )


def _get(name: str, handler: Handler) -> dict[str, Operation]:
    return {"GET": _operation(name, handler, is_safe=True)}


ROUTES: Routes = {
    "/ops": _get("GetStatus", get_status),
    "/ops/status": _get("GetStatus", get_status),
    "/ops/projections": _get("ListProjections", list_projections),
    "/ops/views": _get("ListProjections", list_projections),
    "/ops/partitions": _get("ListPartitions", list_partitions),
    "/ops/stuck": _get("ListStuck", list_stuck),
    "/ops/requests": _get("ListRequests", list_requests),
    "/ops/activity": _get("GetActivity", get_activity),
    "/ops/rebuilds": {
        **_get("ListRebuilds", asked.list_rebuilds),
        "POST": _operation("AskRebuild", asked.ask_rebuild),
    },
    "/ops/rebuilds/{id}": {
        **_get("GetRebuild", asked.get_rebuild),
        "DELETE": _operation("CancelRebuild", asked.cancel_rebuild),
    },
    "/ops/rebuilds/{id}/pause": {"POST": _operation("PauseRebuild", asked.pause_rebuild)},
    "/ops/rebuilds/{id}/resume": {"POST": _operation("ResumeRebuild", asked.resume_rebuild)},
    ASK: {
        **_get("ShowAsk", show_ask),
        "POST": _operation("SendAsk", send_ask, is_form=True),
    },
}
"""What runs and why it does not: views and followers, who waits for whom, how all of it stands."""
