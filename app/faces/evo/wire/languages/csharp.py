"""C#, for the NuGet package ServiceStack.Client."""

from app.faces.evo.wire.languages.language import Language, speller

CSHARP = Language(
    name="csharp",
    label="C#",
    template="csharp.jinja",
    # Absent members must differ from 0 and false: a page of 0 items is refused.
    spell=speller({"int": "int?", "bool": "bool?", "SortOrder": "SortOrder?"}, "List<{}>"),
    brings_framework_types=True,
)
