"""The page on which an operator confirms what is to be asked for, and the form that it sends."""

from collections.abc import Sequence
from typing import get_args
from uuid import UUID, uuid4

from msgspec import Struct

from app.codecs.form import pairs
from app.codecs.json_text import BadInput
from app.faces.ops.rebuilds import PATH, asker, id_of
from app.http.browser import see_other
from app.http.forms import fields, refuse_forged
from app.http.request import Reply, Request
from app.operations import asks
from app.operations.rebuilds import Rebuild, Steering, find
from app.pages.answer import page
from app.service import Service

ASK = "/ops/ask"
_SHOWN = 60
What = asks.What | Steering
_WHATS: tuple[str, ...] = (*get_args(asks.What), *get_args(Steering))


class Wanted(Struct, frozen=True, kw_only=True):
    """What an address or a form asks for."""

    what: What
    names: Sequence[str] = ()
    stream: UUID | None = None
    dry_run: bool = False
    rebuild: UUID | None = None
    """To be paused, gone on with or cancelled."""

    def asked(self) -> asks.Asked:
        """The same, unless it is about a rebuild that is on record."""
        assert self.what in get_args(asks.What)
        return asks.Asked(
            what=self.what,  # type: ignore[arg-type]
            names=self.names,
            stream=self.stream,
            dry_run=self.dry_run,
        )

    def hidden(self) -> list[tuple[str, str]]:
        """The fields of the form that asks for it."""
        found = [("what", self.what), ("name", ",".join(self.names))]
        found += [("stream", str(self.stream))] if self.stream else []
        found += [("dryRun", "true")] if self.dry_run else []
        return found + ([("id", str(self.rebuild))] if self.rebuild else [])


class Words(Struct, frozen=True):
    """What a page of confirmation says."""

    question: str
    button: str
    effects: Sequence[str]


async def show_ask(request: Request, service: Service) -> Reply:
    """`GET /ops/ask?what=…&name=…`: what would be asked for, and what comes of it."""
    wanted = _wanted(list(request.pairs))
    found = None if wanted.rebuild is None else await find(service.pool, wanted.rebuild)
    if found is None:
        await asks.require(service.pool, wanted.asked())
    words = _asks(wanted) if found is None else _steers(wanted, found)
    shown = {"words": words, "hidden": wanted.hidden(), "key": uuid4().hex, "path": ASK}
    return page(request, "ops/ask.html.jinja", shown=shown)


async def send_ask(request: Request, service: Service) -> Reply:
    """`POST /ops/ask`: the form of that page. Raises StaleForm, and as the asks do."""
    form = fields(request)
    refuse_forged(request, form)
    wanted = _wanted(pairs(request.body))
    by = asker(request, form.get("key") or None)
    match wanted.what:
        case "pause" | "resume" | "cancel":
            assert wanted.rebuild is not None
            await asks.steer(service.pool, wanted.rebuild, wanted.what, by)
            return see_other(f"{PATH}/{wanted.rebuild}")
        case _:
            rebuild, _ = await asks.ask(service.pool, wanted.asked(), by)
            return see_other(f"{PATH}/{rebuild.id}")


def _wanted(given: Sequence[tuple[str, str]]) -> Wanted:
    """Raises BadInput, or NotFound for an id that none can have."""
    one = {name: value.strip() for name, value in given}
    what = one.get("what", "")
    if what not in _WHATS:
        raise BadInput(f"what is one of {', '.join(_WHATS)}", field="what")
    if what in get_args(Steering):
        return Wanted(what=what, rebuild=id_of(one.get("id", "")))  # type: ignore[arg-type]
    names = [part.strip() for name, value in given if name == "name" for part in value.split(",")]
    stream = one.get("stream")
    try:
        found = UUID(stream) if stream else None
    except ValueError:
        raise BadInput(f"{stream!r:.{_SHOWN}} is no id of a stream", field="stream") from None
    return Wanted(
        what=what,  # type: ignore[arg-type]
        names=list(dict.fromkeys(filter(None, names))),
        stream=found,
        dry_run=one.get("dryRun", "").lower() in ("true", "on", "1"),
    )


def _asks(wanted: Wanted) -> Words:
    names = ", ".join(wanted.names)
    match wanted.what:
        case "back":
            return Words(
                f"Go back to the former table of {names}?",
                "Go back",
                (
                    "The table that was live before the last rebuild is brought up to date, and "
                    "swapped in. The one that is live now is the former one then.",
                    "Clients notice nothing but, perhaps, other rows.",
                ),
            )
        case "redrive":
            which = f"stream {wanted.stream}" if wanted.stream else "all streams"
            return Words(
                f"Try again what waits in quarantine: {which} of {names or 'all followers'}?",
                "Redrive",
                (
                    "The waiting events are taken up in their order. A stream that fails again "
                    "stays in quarantine: nothing is lost.",
                ),
            )
    if wanted.dry_run:
        return Words(
            f"Compare {names or 'all views'} with the log?",
            "Compare",
            ("The log is folded beside the live tables and compared. Nothing changes.",),
        )
    return Words(
        f"Rebuild {names or 'all views'}?",
        "Rebuild",
        (
            "A view is folded from the log beside its live table, compared, and swapped in: "
            "with that, it is live. The table that was live is kept, for the way back.",
            "Tables of a follower are made anew in the same way, and those before are dropped. "
            "Those of the tree, and of a projection of your own, are emptied first.",
        ),
    )


def _steers(wanted: Wanted, found: Rebuild) -> Words:
    of = f"the {found.kind} of {', '.join(found.projections)}"
    match wanted.what:
        case "pause":
            effect = "It stops after its page, and goes on from there when somebody resumes it."
            return Words(f"Pause {of}?", "Pause", (effect,))
        case "resume":
            return Words(f"Go on with {of}?", "Resume", ("An operator process goes on with it.",))
    effect = "It stops after its page, and what it has made is dropped: the tables in use stay."
    return Words(f"Cancel {of}?", "Cancel it", (effect,))
