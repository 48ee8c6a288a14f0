"""SQL from `.sql` files: named blocks beside the Python that runs them."""

import re
from pathlib import Path

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)

_COMMENT = re.compile(r"--[^\n]*")
_STATEMENT = re.compile(
    r"""(?: --[^\n]*              # a comment
          | '(?:[^']|'')*'
          | "[^"]*"
          | (\$\w*\$) .*? \1     # a body
          | [^;]
        )+""",
    re.VERBOSE | re.DOTALL,
)


def blocks(python_file: str) -> dict[str, str]:
    """The statements of the `.sql` file with a Python file's stem, by name."""
    parts = _NAME.split(Path(python_file).with_suffix(".sql").read_text())
    return dict(zip(parts[1::2], (part.strip() for part in parts[2::2]), strict=True))


def statements(text: str) -> list[str]:
    """The statements of a script, one by one.

    Citus sends the text of a call to its nodes, as one statement.
    """
    return [found[0] for found in _STATEMENT.finditer(text) if _COMMENT.sub("", found[0]).strip()]
