"""JavaScript, annotated with JSDoc, for the npm package @servicestack/client."""

from app.faces.evo.wire.languages.language import Language, speller

_SPELL = speller({"int": "number", "bool": "boolean"}, "{}[]")

JAVASCRIPT_MODULE = Language(name="mjs", label="JavaScript", template="mjs.jinja", spell=_SPELL)
JAVASCRIPT_COMMON = Language(name="js", label="CommonJS", template="js.jinja", spell=_SPELL)
