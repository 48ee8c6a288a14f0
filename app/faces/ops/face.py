"""The face of operators, over HTTP: what runs, what is in its way, and rebuilds."""

from types import MappingProxyType

from app.auth.principals import Principal
from app.auth.roles import OPERATOR, SYSTEM_ADMINISTRATOR
from app.faces.ops import rebuilds
from app.faces.ops.answers import reply
from app.http.errors import Refusal, Responses
from app.http.identify import AuthPolicy
from app.http.operation import Handler, Operation, Routes
from app.http.request import Reply, Request
from app.operations import projections, status, stuck
from app.service import Service


class OpsFace:
    """Answers in JSON, errors too."""

    name = "ops"
    prefix = "/ops/"
    suffixes: frozenset[str] = frozenset({"json"})
    overridable = False
    policy = AuthPolicy()
    responses: Responses = MappingProxyType({})

    def __init__(self) -> None:
        """Takes all operations into its routes."""
        self.routes: Routes = ROUTES

    def refuse(self, refused: Refusal, request: Request | None) -> Reply:
        """The error: a stable word, a sentence, the parameter at fault, the request's id."""
        told = {
            "code": refused.code,
            "message": refused.message,
            "field": refused.field,
            "requestId": None if request is None else request.request_id,
        }
        return reply({"error": told}, refused.status, refused.headers)


async def get_status(_: Request, service: Service) -> Reply:
    """`GET /ops/status`: one sentence, and what it rests on."""
    return reply(await status.status(service.pool))


async def list_projections(_: Request, service: Service) -> Reply:
    """`GET /ops/projections`: each view and follower."""
    return reply({"projections": await projections.projections(service.pool)})


async def list_stuck(_: Request, service: Service) -> Reply:
    """`GET /ops/stuck`: what does not go on, and what is in its way."""
    return reply({"stuck": await stuck.stuck(service.pool)})


def _may_operate(principal: Principal) -> None:
    principal.require(OPERATOR, SYSTEM_ADMINISTRATOR)


def _operation(name: str, handler: Handler, *, is_safe: bool = False) -> Operation:
    return Operation(name=name, handler=handler, admit=_may_operate, is_safe=is_safe)


def _get(name: str, handler: Handler) -> dict[str, Operation]:
    return {"GET": _operation(name, handler, is_safe=True)}


ROUTES: Routes = {
    "/ops/status": _get("GetStatus", get_status),
    "/ops/projections": _get("ListProjections", list_projections),
    "/ops/stuck": _get("ListStuck", list_stuck),
    "/ops/rebuilds": {
        **_get("ListRebuilds", rebuilds.list_rebuilds),
        "POST": _operation("AskRebuild", rebuilds.ask_rebuild),
    },
    "/ops/rebuilds/{id}": {
        **_get("GetRebuild", rebuilds.get_rebuild),
        "DELETE": _operation("CancelRebuild", rebuilds.cancel_rebuild),
    },
}
