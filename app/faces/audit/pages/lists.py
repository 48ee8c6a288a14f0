"""The pages of lists of events: all events, who had access, what a session went through."""

from collections.abc import Sequence

from app.faces.audit.pages import times
from app.faces.audit.pages.asked import Asked
from app.faces.audit.pages.rows import Budget, Narrowed, rows_of
from app.faces.audit.pages.words import choices
from app.history.one_event import Event
from app.http.request import Headers, Reply, Request
from app.pages.answer import Link, page

FILTERS = (
    "actor", "type", "operation", "face", "session", "account", "field", "client", "request",
    "since", "until",
)  # fmt: skip
_OF_ACCESS = ("principal", "since", "until")
_FACES = ("evo", "superoffice", "audit", "console", "cli")
_PRESETS = (
    ("today", {"since": "today"}),
    ("7 days", {"since": "7d ago"}),
    ("sign-ins", {"type": "principal.signed_in"}),
    ("refused sign-ins", {"type": "principal.sign_in_refused"}),
    ("deleted AI sessions", {"type": "ai_session.deleted"}),
    ("deleted chat sessions", {"type": "chat_session.deleted"}),
    ("permission changes", {"type": "principal.roles_changed"}),
    ("views of personal data", {"type": "audit.viewed"}),
)


def list_page(
    request: Request, events: Sequence[Event], next_url: str | None, headers: Headers = ()
) -> Reply:
    """The page of a list of events, whichever operation found them."""
    if request.operation == "ListAccess":
        return _access_page(request, events, next_url, headers)
    return _events_page(request, events, next_url, headers)


def _events_page(
    request: Request, events: Sequence[Event], next_url: str | None, headers: Headers
) -> Reply:
    asked = Asked(request)
    kept = [(name, asked.text(name)) for name in (*FILTERS, "tz") if asked.text(name)]
    narrowed = Narrowed(kept)
    return page(
        request,
        "audit/events.html.jinja",
        headers=headers,
        asked=asked,
        rows=rows_of(events, asked.clock.zone, Budget(kept=narrowed.length)),
        narrowed=narrowed,
        chips=asked.chips(FILTERS),
        choices=choices(),
        faces=_FACES,
        presets=_presets(asked),
        since=times.understood(asked.text("since") or None, "since", asked.clock),
        until=times.understood(asked.text("until") or None, "until", asked.clock),
        following=_following(request, next_url),
        exports=asked.exports(clear=True),
    )


def _access_page(
    request: Request, events: Sequence[Event], next_url: str | None, headers: Headers
) -> Reply:
    asked = Asked(request)
    return page(
        request,
        "audit/access.html.jinja",
        headers=headers,
        asked=asked,
        rows=rows_of(events, asked.clock.zone, Budget(), fold=False),
        narrowed=Narrowed(),
        chips=asked.chips(_OF_ACCESS),
        since=times.understood(asked.text("since") or None, "since", asked.clock),
        until=times.understood(asked.text("until") or None, "until", asked.clock),
        following=_following(request, next_url),
        exports=asked.exports(clear=True),
    )


def _presets(asked: Asked) -> list[Link]:
    zone = {"tz": asked.text("tz")} if asked.text("tz") else {}
    return [
        Link(Asked.address("/audit/events", {**parameters, **zone}), name)
        for name, parameters in _PRESETS
    ]


def _following(request: Request, next_url: str | None) -> str:
    return (next_url or "").removeprefix(request.base_url)
