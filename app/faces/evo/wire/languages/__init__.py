"""How each language spells the DTOs: one module and one template per language.

The templates are in `app/faces/docs/types`; `app.faces.evo.wire.description` fills them.
"""

from app.faces.evo.wire.languages.csharp import CSHARP
from app.faces.evo.wire.languages.fsharp import FSHARP
from app.faces.evo.wire.languages.java import JAVA
from app.faces.evo.wire.languages.javascript import JAVASCRIPT_COMMON, JAVASCRIPT_MODULE
from app.faces.evo.wire.languages.kotlin import KOTLIN
from app.faces.evo.wire.languages.language import Language
from app.faces.evo.wire.languages.python import PYTHON
from app.faces.evo.wire.languages.typescript import TYPESCRIPT

LANGUAGES: dict[str, Language] = {
    language.name: language
    for language in (
        CSHARP,
        TYPESCRIPT,
        JAVASCRIPT_MODULE,
        JAVASCRIPT_COMMON,
        PYTHON,
        JAVA,
        KOTLIN,
        FSHARP,
    )
}
"""By the name in `/types/{language}`."""
