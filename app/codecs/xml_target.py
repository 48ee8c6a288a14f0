"""Builds a tree from the events of an XML parser, within bounds."""

from app.codecs.data_contract import INSTANCE_NAMESPACE
from app.codecs.json_text import BadInput, Budget
from app.codecs.limits import MAX_DEPTH, NAMESPACE_LENGTH
from app.codecs.value import Tree

_XML_SPACE = " \t\r\n"
_NIL = f"{{{INSTANCE_NAMESPACE}}}nil"
_NAMED = 60
"""Characters of a name that an error message quotes."""


def malformed(message: str) -> BadInput:
    """The refusal of unreadable XML."""
    return BadInput(f"Malformed XML: {message}", code="SerializationException")


class _Open:
    """An element whose end has not come yet."""

    __slots__ = ("attribute", "members", "name", "nil", "text")

    def __init__(self, name: str, *, nil: bool, attribute: str | None) -> None:
        self.name = name
        self.nil = nil
        self.attribute = attribute
        self.members: dict[str, Tree] = {}
        self.text = ""

    def add(self, name: str, value: Tree) -> None:
        if name not in self.members:
            self.members[name] = value
            return
        # No element is a list by itself: a list here means that the name occurred before.
        earlier = self.members[name]
        if isinstance(earlier, list):
            earlier.append(value)
        else:
            self.members[name] = [earlier, value]

    def tree(self) -> Tree:
        text = self.text
        if self.nil:
            return None
        if not self.members:
            if self.attribute is not None and not text.strip(_XML_SPACE):
                # The client meant this attribute as a value: ignoring it would lose that.
                name, own = self.attribute[:_NAMED], self.name[:_NAMED]
                raise malformed(f"{name!r} of {own!r} is an attribute: members are elements")
            return text
        if text.strip(_XML_SPACE):
            raise malformed(f"there is text beside the elements in {self.name!r}")
        return self.members


class TreeTarget:
    """Builds the tree as a target of ElementTree's parser, by the rules of `xml_text.read`."""

    def __init__(self) -> None:
        """No document is read yet."""
        self.name = ""
        self.tree: Tree = None
        self._open: list[_Open] = []
        self._budget = Budget()
        self._texts: list[str] = []
        self.data = self._texts.append
        """Receives a piece of a text; the parser splits texts at each line break."""

    def start_ns(self, _prefix: str, namespace: str) -> None:
        """Receive the declaration of a namespace."""
        if len(namespace) > NAMESPACE_LENGTH:
            raise malformed(f"a namespace is longer than {NAMESPACE_LENGTH} characters")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Receive the start of an element; the tag is `{namespace}name`."""
        self._budget.spend(1 + len(attributes))
        if self._texts:
            self._take_texts()
        if len(self._open) == MAX_DEPTH:
            raise malformed(f"it is nested deeper than {MAX_DEPTH} levels")
        nil = bool(attributes) and attributes.get(_NIL, "").strip(_XML_SPACE) in {"true", "1"}
        own = next((name for name in attributes if "}" not in name), None)
        self._open.append(_Open(tag.rpartition("}")[2], nil=nil, attribute=own))

    def end(self, _tag: str) -> None:
        """Receive the end of an element."""
        if self._texts:
            self._take_texts()
        element = self._open.pop()
        tree = element.tree()
        if self._open:
            self._open[-1].add(element.name, tree)
            return
        self.name = element.name
        bare = isinstance(tree, str) and not tree.strip(_XML_SPACE)
        self.tree = {} if bare else tree

    def _take_texts(self) -> None:
        self._open[-1].text += "".join(self._texts)
        self._texts.clear()
