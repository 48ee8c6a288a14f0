"""The verifier as one file, for machines that have nothing of ours: its modules, one after another.

`python -m app.proof.standalone > verifier.py` writes it.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

MODULES = (
    "one_line", "trees", "leaves", "notes", "proof_file", "exported", "copied", "checking",
    "signed", "receipt", "brought", "mirrored", "verifier",
)  # fmt: skip
"""In an order in which each needs only those before it."""
_FOLDER = Path(__file__).parent
_OURS = "app.proof."


def text() -> str:
    """The text of the file: each module without its docstring and its imports of the others."""
    first = ast.get_docstring(ast.parse(_source("verifier")), clean=False)
    return f'"""{first}"""\n' + "".join(
        f"\n\n# {module}.py\n\n{''.join(_own_lines(module)).strip()}\n" for module in MODULES
    )


def _own_lines(module: str) -> Iterator[str]:
    source = _source(module)
    docstring, *statements = ast.parse(source).body
    left_out = [docstring]
    left_out += [
        statement
        for statement in statements
        if isinstance(statement, ast.ImportFrom) and f"{statement.module}".startswith(_OURS)
    ]
    skipped = {
        number
        for statement in left_out
        for number in range(statement.lineno, (statement.end_lineno or 0) + 1)
    }
    for number, line in enumerate(source.splitlines(keepends=True), 1):
        if number not in skipped:
            yield line


def _source(module: str) -> str:
    return (_FOLDER / f"{module}.py").read_text(encoding="utf-8")


if __name__ == "__main__":
    sys.stdout.write(text())
