"""The start page: who looks, where one can go, whether all is well."""

from msgspec import Struct

from app.auth.principals import Principal
from app.faces.console.signing import caller
from app.http.request import NOBODY, Reply, Request
from app.pages.answer import (
    Link,
    may_audit,
    may_operate,
    may_protect,
    may_read_chats,
    may_read_sessions,
    page,
)
from app.service import Service


class Door(Struct, frozen=True):
    """One of the four parts of the service, and what of it is open to the caller."""

    title: str
    links: tuple[Link, ...]
    note: str


async def start(request: Request, service: Service) -> Reply:
    """`GET /`, for anybody."""
    principal = await caller(request, service) or NOBODY
    return page(
        request,
        "console/start.html.jinja",
        principal=principal,
        doors=_doors(principal),
        unready=await service.unready(),
        can_audit=may_audit(principal),
    )


def _doors(principal: Principal) -> tuple[Door, ...]:
    return (
        Door(
            "Sessions and events",
            tuple(_sessions(principal)),
            "" if principal.name else "Sign in to see sessions and their events.",
        ),
        Door(
            "Proof",
            tuple(_proof(principal)),
            "" if may_audit(principal) else "Auditors see signed checkpoints and proofs here.",
        ),
        Door("Operations", tuple(_operations(principal)), ""),
        Door(
            "APIs",
            (
                Link("/metadata", "Web services", "each operation, with samples"),
                Link("/types", "Generated types", "for the clients of ten languages"),
                Link("/schema", "OpenAPI", "and its viewer"),
            ),
            "",
        ),
    )


def _sessions(principal: Principal) -> list[Link]:
    links = []
    if may_audit(principal):
        links += [
            Link("/audit/events", "Events", "who did what, and when"),
            Link("/audit/access", "Access", "who may, since when, and who looked"),
        ]
    if may_protect(principal):
        links.append(Link("/audit/people", "People", "what is held on somebody"))
    if may_read_sessions(principal):
        links.append(Link("/ai/sessions", "AI sessions"))
    if may_read_chats(principal):
        links.append(Link("/api/v1/ChatSession", "Chat sessions"))
    if principal.name:
        links.append(Link("/accounts", "Accounts"))
    return links


def _proof(principal: Principal) -> list[Link]:
    if not may_audit(principal):
        return []
    return [Link("/audit/proof", "Checkpoints and proofs", "keep one, and compare it later")]


def _operations(principal: Principal) -> list[Link]:
    links = [Link("/health/ready", "Readiness", "the sentence that load balancers read")]
    if may_operate(principal):
        links += [
            Link("/ops", "Status", "what runs, and what operators did lately"),
            Link("/ops/views", "Views and followers"),
            Link("/ops/stuck", "What is stuck"),
        ]
        links.append(Link("/metrics", "Metrics", "as Prometheus reads them"))
    return links
