"""From a path to what is served there: literal segments in any case, `{name}` for a parameter."""

from collections.abc import Mapping
from typing import Generic, TypeVar

T = TypeVar("T")


class Table(Generic[T]):
    """Path templates and what stands behind each."""

    def __init__(self, templates: Mapping[str, T]) -> None:
        """A literal segment goes before a parameter at the same place."""
        self._root: _Node[T] = _Node()
        for template, target in templates.items():
            node = self._root
            names = []
            for segment in template.strip("/").split("/"):
                if segment.startswith("{"):
                    names.append(segment[1:-1])
                    node.parameter = node.parameter or _Node()
                    node = node.parameter
                else:
                    node = node.literal.setdefault(segment.lower(), _Node())
            node.target, node.names = target, tuple(names)

    def find(self, path: str) -> tuple[T, dict[str, str]] | None:
        """The target of a path and its parameters; None if nothing is there."""
        return self._below(self._root, path.strip("/").split("/"), 0, ())

    def _below(
        self, node: "_Node[T]", segments: list[str], depth: int, values: tuple[str, ...]
    ) -> tuple[T, dict[str, str]] | None:
        if depth == len(segments):
            if node.target is None:
                return None
            return node.target, dict(zip(node.names, values, strict=True))
        segment = segments[depth]
        literal = node.literal.get(segment.lower())
        found = None if literal is None else self._below(literal, segments, depth + 1, values)
        if found is None and node.parameter is not None:
            found = self._below(node.parameter, segments, depth + 1, (*values, segment))
        return found


class _Node(Generic[T]):
    __slots__ = ("literal", "names", "parameter", "target")

    def __init__(self) -> None:
        self.literal: dict[str, _Node[T]] = {}
        self.parameter: _Node[T] | None = None
        self.target: T | None = None
        self.names: tuple[str, ...] = ()
