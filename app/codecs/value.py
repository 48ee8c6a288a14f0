"""The result of every reader before it is bound to a type: texts, lists and members."""

from typing import Any, TypeAlias, Union

# A forward reference in a string cannot be joined with `|`.
Tree: TypeAlias = Union[str, int, float, bool, "list[Tree]", "dict[str, Tree]", None]
"""A value as written. Formats without types (JSV, CSV, XML, forms) give texts."""

Json: TypeAlias = Any
"""Any part of a JSON document."""
