"""F#, for the NuGet package ServiceStack.Client."""

from app.faces.evo.wire.languages.language import Language, speller

FSHARP = Language(
    name="fsharp",
    label="F#",
    template="fsharp.jinja",
    spell=speller(
        {
            "string": "String",
            "int": "Nullable<Int32>",
            "bool": "Nullable<Boolean>",
            "SortOrder": "Nullable<SortOrder>",
            "T": "'T",
        },
        "ResizeArray<{}>",
    ),
    brings_framework_types=True,
)
