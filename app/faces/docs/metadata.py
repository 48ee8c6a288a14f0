"""The metadata pages: request and answer of each operation, in each format."""

from collections import deque
from collections.abc import Iterator
from functools import cache

from msgspec import Struct

from app.codecs.formats import FORMATS, JSV
from app.faces.docs.dtos import dtos
from app.faces.evo.wire.api import API
from app.faces.evo.wire.description import (
    ClassDescription,
    MemberDescription,
    OperationDescription,
    TypeName,
    classes,
    operation,
)
from app.faces.evo.wire.languages import LANGUAGES
from app.faces.evo.wire.languages.language import Language
from app.faces.evo.wire.samples import answer_sample, request_sample
from app.pages.templates import render

# The documents use one of JSV's two names, and its answers use the other one by default.
_MEDIA_TYPES = {name: format_.media_types[0] for name, format_ in FORMATS.items()} | {
    JSV.name: "text/jsv"
}
_IN_ANSWERS = "form"


class Row(Struct, frozen=True):
    """One member."""

    name: str
    parameter: str
    """The place of the member: `path`, `query`, `body`; `form` in answers."""
    type: str
    required: bool
    text: str
    limit: str


class Table(Struct, frozen=True):
    """The members of a class, or the values of an enumeration."""

    title: str
    rows: tuple[Row, ...]
    values: tuple[str, ...]


@cache
def index_page() -> str:
    """The page of all operations."""
    operations = [found for api in API if (found := operation(api.name))]
    return render("docs/index.html.jinja", operations=operations, formats=FORMATS)


def types_page(base_url: str) -> str:
    """The page of all languages with generated types, and how to use these."""
    return render("docs/types.html.jinja", languages=LANGUAGES, base_url=base_url)


def missing_page(message: str, title: str = "Not found") -> str:
    """The page that answers for a missing one."""
    return render("docs/missing.html.jinja", message=message, title=title)


def operation_page(
    found: OperationDescription, format_name: str, base_url: str, language: Language | None = None
) -> str:
    """The page of one operation in one format; a language puts its DTOs in place of the tables."""
    has_body = found.verb not in ("GET", "DELETE")
    answer = answer_sample(found.name, format_name)
    return render(
        "docs/operation.html.jinja",
        operation=found,
        format=format_name,
        formats=FORMATS,
        languages=LANGUAGES,
        language=language,
        dtos=language and dtos(language, base_url, (f"{found.name}.*",), header=False),
        tables=() if language else tables(found),
        host=base_url.partition("://")[2],
        media_type=_MEDIA_TYPES[format_name],
        request=request_sample(found.name, format_name).rstrip() if has_body else None,
        answer=answer and answer.rstrip(),
    )


def tables(found: OperationDescription) -> tuple[Table, ...]:
    """The tables of the request, of the answer, and of the classes in both."""
    known = classes()
    request = known[found.name]
    taken = [request, *([known[request.base]] if request.base else [])]
    taken += [known[member.type.name] for member in request.members if member.type.name in known]
    answered = [] if found.response is None else list(_walk(found.response))
    return (
        *(_table(kind.name, kind, found) for kind in taken),
        *(
            _table(str(found.response) if kind is answered[0] else kind.name, kind, None)
            for kind in answered
        ),
    )


def _walk(name: TypeName) -> Iterator[ClassDescription]:
    """The classes in the name, then the classes that they need, the nearest first."""
    waiting = deque([name.name, *(argument.name for argument in name.arguments)])
    seen = set[str]()
    while waiting:
        nearest = waiting.popleft()
        if nearest not in seen:
            seen.add(nearest)
            found = classes()[nearest]
            yield found
            waiting.extend(found.needs)


def _table(title: str, kind: ClassDescription, found: OperationDescription | None) -> Table:
    """The table of a class in the request of an operation or, without one, in an answer."""
    rows = tuple(
        Row(
            member.pascal,
            _place(member, found),
            str(member.type),
            member.required,
            member.text,
            member.limit,
        )
        for member in kind.own
    )
    return Table(f"{title} {'Values' if kind.values else 'Parameters'}:", rows, kind.values)


def _place(member: MemberDescription, found: OperationDescription | None) -> str:
    if found is None:
        return _IN_ANSWERS
    if any(f"{{{member.name}}}" in path for path in found.paths):
        return "path"
    return "body" if found.verb == "POST" else "query"
