"""SQL from `.sql` files: named blocks beside the Python that runs them."""

import re
from pathlib import Path

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def blocks(python_file: str) -> dict[str, str]:
    """The statements of the `.sql` file with a Python file's stem, by name."""
    parts = _NAME.split(Path(python_file).with_suffix(".sql").read_text())
    return dict(zip(parts[1::2], (part.strip() for part in parts[2::2]), strict=True))
