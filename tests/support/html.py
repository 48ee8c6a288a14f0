"""Pages as somebody without a mouse has them: well-formed, with links, forms and labels."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "input"}
_FIELDS = {"input", "select", "textarea"}


@dataclass
class Form:
    """A form with what its fields hold."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    buttons: dict[str, str] = field(default_factory=dict)
    """Values of the buttons that have a name."""


class WellFormed(HTMLParser):
    """Fails on an element that is closed out of turn or stays open; collects what a page has."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        """Addresses of all that is linked or loaded."""
        self.texts: list[tuple[str, str]] = []
        """The text and the address of each link."""
        self.forms: list[Form] = []
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.without_label: list[str] = []
        self.headings: list[str] = []
        self.inline_scripts = 0
        self._link: str | None = None
        self._option: str | None = None
        self._text: list[str] = []
        self.feed(page)
        assert self.open == []
        assert len(self.ids) == len(set(self.ids)), "ids are unique"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        assert not any(name == "style" or name.startswith("on") for name in given)
        self.links += [given[name] for name in ("href", "src", "action") if name in given]
        self.inline_scripts += tag == "script" and "src" not in given
        if "id" in given:
            self.ids.append(given["id"])
        if tag not in VOID:
            self.open.append(tag)
        match tag:
            case "a":
                self._link, self._text = given.get("href", ""), []
            case "h1":
                self._text = []
            case "form":
                self.forms.append(Form(given.get("action", ""), given.get("method", "get")))
            case "label" if "for" in given:
                self.labelled.add(given["for"])
            case "input" | "select" | "button":
                self._field(tag, given)
            case "option" if "selected" in given:
                self._option = given.get("value")
                self._fill(self._option)

    def _field(self, tag: str, given: dict[str, str]) -> None:
        name, kind = given.get("name", ""), given.get("type", "")
        if tag in _FIELDS and kind != "hidden":
            is_inside = "label" in self.open
            if not is_inside and given.get("id", "") not in self.labelled:
                self.without_label.append(name)
        if not self.forms or not name:
            return
        form = self.forms[-1]
        if tag == "button":
            form.buttons[name] = given.get("value", "")
            return
        form.names.add(name)
        self._name = name
        if kind != "checkbox" or "checked" in given:
            form.fields[name] = given.get("value", "")

    def _fill(self, value: str | None) -> None:
        if value is not None:
            self.forms[-1].fields[self._name] = value

    def handle_data(self, data: str) -> None:
        self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag == "a" and self._link is not None:
            self.texts.append((" ".join("".join(self._text).split()), self._link))
            self._link = None
        if tag == "h1":
            self.headings.append("".join(self._text).strip())
