"""Parts of documents in XML, and a class whose contract is in a namespace of its own."""

from typing import ClassVar

from app.codecs.dto import API_NAMESPACE, Dto
from app.codecs.xml_text import write

DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'


class AccountInfo(Dto, kw_only=True):
    """One of a third namespace."""

    namespace: ClassVar[str] = f"{API_NAMESPACE}.Accounts"

    name: str | None = None


def body_of(value: Dto, kind: type[Dto] | None = None) -> str:
    """What is written between the tags of the root."""
    text = write(value, kind=kind).decode()
    return text[text.index(">", len(DECLARATION)) + 1 : text.rindex("<")]
