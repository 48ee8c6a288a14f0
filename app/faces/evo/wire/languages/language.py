"""What a language is to the generator of DTOs."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from app.faces.evo.wire.description import LIST, TypeName


class Language(Struct, frozen=True, kw_only=True):
    """A language that DTOs are written in."""

    name: str
    """As in `/types/{language}` and `?lang=`."""
    label: str
    """For humans."""
    template: str
    """File name in `app/faces/docs/types`."""
    spell: Callable[[TypeName], str]
    """A type's name in this language."""
    brings_framework_types: bool = False
    """Whether the client library has the framework's own DTOs, so that none are generated."""
    comment: str = "//"
    """What an option that is not set stands behind in the header."""


def speller(
    scalars: Mapping[str, str], lists: str, generics: str = "{}<{}>"
) -> Callable[[TypeName], str]:
    """A `spell` for languages that nest types alike.

    `scalars`: names that differ; `lists`: pattern of a list with a place for its item's type;
    `generics`: pattern of a generic class, with places for its name and its arguments.
    """

    def spell(name: TypeName) -> str:
        arguments = ", ".join(map(spell, name.arguments))
        if name.name == LIST:
            return lists.format(arguments)
        if arguments:
            return generics.format(name.name, arguments)
        return scalars.get(name.name, name.name)

    return spell
