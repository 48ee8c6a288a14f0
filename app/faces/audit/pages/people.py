"""The page of people: find somebody, see what is held, export it."""

from collections.abc import Sequence

from msgspec import Struct

from app.erasure.people import COVERS, Held, HeldSession
from app.erasure.scope import KEPT
from app.faces.audit.pages import times
from app.faces.audit.pages.asked import Asked
from app.faces.audit.pages.rows import Budget, Value, session_url
from app.http.request import Reply, Request
from app.pages.answer import may_audit, page

_BY = ("email", "phone", "name")
_ROOM = 30_000
_EACH = 200
"""Characters of a value that the page shows; the export has all."""
_KINDS = {"ai_session": "AI session", "chat_session": "Chat session"}


class HeldRow(Struct, frozen=True, kw_only=True):
    """A session as the page shows it."""

    session: HeldSession
    title: str
    url: str
    """Empty: the caller does not open sessions."""
    first: str
    last: str
    holds: Sequence[tuple[str, Value]]


def people_page(request: Request, held: Held | None, next_url: str | None) -> Reply:
    """The page; `held`: None if nobody is looked for yet."""
    asked = Asked(request)
    return page(
        request,
        "audit/people.html.jinja",
        asked=asked,
        by=[(name, asked.text(name)) for name in _BY if asked.text(name)],
        covers=COVERS,
        kept=[] if held is None else [*KEPT, *(user.kept for user in held.users)],
        held=held,
        rows=_rows(request, asked, held),
        following=(next_url or "").removeprefix(request.base_url),
        exports=asked.exports(clear=True),
    )


def _rows(request: Request, asked: Asked, held: Held | None) -> list[HeldRow]:
    budget = Budget(_ROOM, _EACH)
    opens, zone = may_audit(request.principal), asked.clock.zone
    return [
        HeldRow(
            session=each,
            title=f"{_KINDS.get(each.kind, 'Session')} {each.session_id}",
            url=f"{session_url(each.session_id)}/history" if opens else "",
            first=times.shown(times.read(each.first_at), zone),
            last=times.shown(times.read(each.last_at), zone),
            holds=[
                (name, budget.value(value))
                for name, value in each.holds.items()
                if budget.change(name)
            ],
        )
        for each in ([] if held is None else held.sessions)
    ]
