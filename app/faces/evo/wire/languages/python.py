"""Python, for the PyPI package servicestack."""

from app.faces.evo.wire.languages.language import Language, speller

PYTHON = Language(
    name="python",
    label="Python",
    template="python.jinja",
    spell=speller({"string": "str"}, "List[{}]", "{}[{}]"),
    comment="#",
)
