"""A language from the viewpoint of the DTO generator."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from app.faces.evo.wire.description import LIST, TypeName


class Language(Struct, frozen=True, kw_only=True):
    """A language for generated DTOs."""

    name: str
    """The name in `/types/{language}` and `?lang=`."""
    label: str
    """The name for humans."""
    template: str
    """File name in `app/faces/docs/types`."""
    spell: Callable[[TypeName], str]
    """A type's name in this language."""
    brings_framework_types: bool = False
    """Whether the client library has the framework's own DTOs, so that these are not generated."""
    comment: str = "//"
    """The comment sign before an unset option in the header."""


def speller(
    scalars: Mapping[str, str], lists: str, generics: str = "{}<{}>"
) -> Callable[[TypeName], str]:
    """A `spell` for languages with the same nesting of types.

    `scalars` has the names that differ. `lists` is the pattern of a list, with a place for its
    item's type. `generics` is the pattern of a generic class, with places for name and arguments.
    """

    def spell(name: TypeName) -> str:
        arguments = ", ".join(map(spell, name.arguments))
        if name.name == LIST:
            return lists.format(arguments)
        if arguments:
            return generics.format(name.name, arguments)
        return scalars.get(name.name, name.name)

    return spell
