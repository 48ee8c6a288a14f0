"""What the address of a page asks for, as its forms, chips and links repeat it."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from msgspec import Struct

from app.codecs.json_text import BadInput
from app.faces.audit.query import zone_named
from app.history.sessions import Clock
from app.http.request import Request
from app.pages.answer import Link

_PLACES = frozenset({"before", "after"})
_UNMASKING = frozenset({"personal", "reason"})
_FORMS = ("json", "ndjson", "csv")


class Chip(Struct, frozen=True):
    """A filter that is on, and the address without it."""

    name: str
    value: str
    without: str


class Asked:
    """The parameters of a request that have a value, by their names in lower case."""

    def __init__(self, request: Request) -> None:
        """Reads what is known to be right: the request was answered."""
        self._path = quote(f"/{request.location}", safe="/:@,")
        self.pairs = [(name, value.strip()) for name, value in request.pairs if value.strip()]
        self._by_name = {name.lower(): value for name, value in self.pairs}
        zone = self.text("tz")
        self.clock = Clock(datetime.now(UTC), UTC)
        with suppress(BadInput):  # refused elsewhere
            self.clock = Clock(self.clock.now, zone_named(zone or None))

    def text(self, name: str) -> str:
        """The value of a parameter; empty if it has none."""
        return self._by_name.get(name.lower(), "")

    def flag(self, name: str) -> bool:
        """Whether a parameter is `true`."""
        return self.text(name).lower() in ("true", "1")

    @property
    def is_clear(self) -> bool:
        """Whether personal data is shown."""
        return self.flag("personal")

    def kept(self, *without: str) -> list[tuple[str, str]]:
        """The parameters without some of them, nor what unmasks, nor the form of the answer."""
        left = {"format", *_UNMASKING, *(name.lower() for name in without)}
        return [(name, value) for name, value in self.pairs if name.lower() not in left]

    def url(self, *without: str, **changed: str) -> str:
        """The address with some parameters changed, or without them."""
        pairs = [*self.kept(*without, *changed), *changed.items()]
        return f"{self._path}?{urlencode(pairs)}" if pairs else self._path

    def chips(self, names: Sequence[str]) -> list[Chip]:
        """The filters that are on."""
        return [
            Chip(name, self.text(name), self.url(name, *_PLACES))
            for name in names
            if self.text(name)
        ]

    def exports(self, *, clear: bool = False) -> list[Link]:
        """The same slice in other forms; `clear`: with what unmasks, if it was asked for."""
        unmasking = [pair for pair in self.pairs if pair[0].lower() in _UNMASKING]
        kept = [*self.kept(), *(unmasking if clear else [])]
        return [
            Link(f"{self._path}?{urlencode([*kept, ('format', form)])}", form.upper())
            for form in _FORMS
        ]

    @staticmethod
    def address(path: str, parameters: Mapping[str, str]) -> str:
        """The address of another page with parameters."""
        return f"{path}?{urlencode(parameters)}"

    @property
    def path(self) -> str:
        """The path, as an address has it."""
        return self._path
