"""`/types/{language}`: the DTOs in a client's language, for the official client libraries."""

from collections.abc import Sequence
from functools import lru_cache

from app.faces.evo.wire.description import FRAMEWORK, ClassDescription, classes, closure
from app.faces.evo.wire.languages.language import Language
from app.pages.templates import render

_WITH_WHAT_IT_NEEDS = ".*"


@lru_cache(64)
def dtos(
    language: Language, base_url: str, included: tuple[str, ...] = (), *, header: bool = True
) -> str:
    """The DTOs in a language; `header` adds the comment that names their source.

    `included` has the names of the wanted types, as in ServiceStack's option IncludeTypes: `Name.*`
    means the type and all types that it needs. If empty, all types are included.
    """
    return render(
        f"docs/types/{language.template}",
        base_url=base_url,
        classes=_chosen(language, included),
        comment=language.comment,
        header=header,
        included=included,
        spell=language.spell,
    )


def _chosen(language: Language, included: Sequence[str]) -> list[ClassDescription]:
    return [
        found
        for found in _included(included)
        if found.namespace != FRAMEWORK or not language.brings_framework_types
    ]


def _included(included: Sequence[str]) -> list[ClassDescription]:
    known = classes()
    if not included:
        return list(known.values())
    bare = {name.removesuffix(_WITH_WHAT_IT_NEEDS) for name in included}
    roots = [name for name in bare & known.keys() if f"{name}{_WITH_WHAT_IT_NEEDS}" in included]
    wanted = closure(roots).keys() | (bare & known.keys())
    return [found for name, found in known.items() if name in wanted]
