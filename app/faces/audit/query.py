"""The parameters of a request of the audit face: each known, given once, and of its kind."""

import re
from collections.abc import Collection
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from app.codecs.json_text import BadInput
from app.history.one_event import Parts
from app.history.sessions import Clock
from app.http.request import Request

MAX_EVENTS = 1_000
"""Events of a page."""
USUAL_EVENTS = 50
MAX_REASON = 500
"""Characters."""
ALWAYS = ("format", "tz", "personal", "reason", "unfold")
"""Parameters of every request; `unfold` makes a difference on pages alone."""
PARTS = ("changed", "state")
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_NUMBER = re.compile("[0-9]{1,9}")
_ZONE = re.compile("[A-Za-z0-9_+-]{1,40}(?:/[A-Za-z0-9_+-]{1,40}){0,2}")
_SHOWN = 60


class Query:
    """The parameters by name; an empty one counts as absent, as forms send it."""

    def __init__(self, request: Request, known: Collection[str]) -> None:
        """`known`: the parameters of the operation. Raises BadInput."""
        names = {name.lower(): name for name in (*known, *ALWAYS)}
        self.given: dict[str, str] = {}
        for written, value in request.pairs:
            name = names.get(written.lower())
            if name is None:
                listed = ", ".join(names.values())
                raise BadInput(
                    f"There is no parameter {written[:_SHOWN]!r} here, but {listed}",
                    field=written[:_SHOWN],
                )
            if name in self.given:
                raise BadInput(f"{name} is given twice", field=name)
            self.given[name] = value
        self.clock = Clock(datetime.now(UTC), zone_named(self.text("tz")))

    def text(self, name: str) -> str | None:
        """The value of a parameter; None: it is absent."""
        return self.given.get(name, "").strip() or None

    def flag(self, name: str) -> bool:
        """A truth value; False if it is absent. Raises BadInput."""
        text = self.text(name)
        if text is None:
            return False
        try:
            return _FLAGS[text.lower()]
        except KeyError:
            raise BadInput(f"{name} is either true or false", field=name) from None

    def number(self, name: str, usual: int, *, least: int, most: int) -> int:
        """A number within limits. Raises BadInput."""
        text = self.text(name)
        if text is None:
            return usual
        if not _NUMBER.fullmatch(text) or not least <= int(text) <= most:
            raise BadInput(f"{name} takes a number from {least} to {most}", field=name)
        return int(text)

    def limit(self, usual: int = USUAL_EVENTS) -> int:
        """How many events to show at most. Raises BadInput."""
        return self.number("limit", usual, least=1, most=MAX_EVENTS)

    def parts(self, *, changed: bool = False) -> Parts:
        """The parts of events; `changed`: whether that one is always shown. Raises BadInput."""
        return Parts(
            changed=changed or self.flag("changed"),
            state=self.flag("state"),
            clear=self.reason() is not None,
        )

    def reason(self) -> str | None:
        """Why personal data is to be shown; None: it is not. Raises BadInput."""
        if not self.flag("personal"):
            return None
        reason = self.text("reason")
        if reason is None or len(reason) > MAX_REASON:
            raise BadInput(
                f"personal=true takes a reason of 1 to {MAX_REASON} characters", field="reason"
            )
        return reason


@lru_cache(maxsize=64)
def zone_named(name: str | None) -> tzinfo:
    """The time zone with a name; without one, UTC. Raises BadInput."""
    if name is None or name.upper() == "UTC":
        return UTC
    try:
        if _ZONE.fullmatch(name):
            return ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # not found, or a folder
        pass
    raise BadInput(f"tz takes a time zone such as Europe/Oslo, not {name[:_SHOWN]!r}", field="tz")
