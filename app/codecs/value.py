"""What every reader of a format gives before it is bound to a type: texts, lists and members."""

from typing import Any, TypeAlias, Union

# A forward reference in a string cannot be joined with `|`.
Tree: TypeAlias = Union[str, int, float, bool, "list[Tree]", "dict[str, Tree]", None]
"""A value as it was written. Formats without types (JSV, CSV, XML, forms) give text."""

Json: TypeAlias = Any
"""A part of a document that is written as JSON, whatever it is."""
