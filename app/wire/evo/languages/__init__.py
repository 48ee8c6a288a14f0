"""How each language spells the DTOs: one file a language, one template beside each under `pages`.

The templates are in `app/pages/types`; what they are filled with is `app.wire.evo.description`.
"""

from app.wire.evo.languages.csharp import CSHARP
from app.wire.evo.languages.fsharp import FSHARP
from app.wire.evo.languages.java import JAVA
from app.wire.evo.languages.javascript import JAVASCRIPT_COMMON, JAVASCRIPT_MODULE
from app.wire.evo.languages.kotlin import KOTLIN
from app.wire.evo.languages.language import Language
from app.wire.evo.languages.python import PYTHON
from app.wire.evo.languages.typescript import TYPESCRIPT

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
