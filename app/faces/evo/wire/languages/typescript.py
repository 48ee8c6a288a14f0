"""TypeScript, for the npm package @servicestack/client."""

from app.faces.evo.wire.languages.language import Language, speller

TYPESCRIPT = Language(
    name="typescript",
    label="TypeScript",
    template="typescript.jinja",
    spell=speller({"int": "number", "bool": "boolean"}, "{}[]"),
)
