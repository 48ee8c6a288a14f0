"""The transcript of a chat for people, as plain text or as HTML.

Neither form is documented: each message is a line or a paragraph with its time, author and text.
"""

from collections.abc import Sequence
from html import escape

from msgspec.structs import asdict

from app.faces.superoffice.wire.locale import Locale
from app.faces.superoffice.wire.message import MESSAGE
from domain.chat.enums import ChatMessageSpecialType
from domain.chat.message import ChatMessage

_TO_THE_SECOND = len("2026-11-21T10:00:00")


def transcript(messages: Sequence[ChatMessage], locale: Locale | None, *, html: bool) -> str:
    """The messages in their order; those of the chat itself are named by their special type."""
    lines = [_line(message, locale) for message in messages]
    if html:
        return "".join(
            f"<p><time>{escape(when)}</time> <b>{escape(who)}</b> {_paragraph(what)}</p>"
            for when, who, what in lines
        )
    return "\n".join(" ".join(part for part in line if part) for line in lines)


def _line(message: ChatMessage, locale: Locale | None) -> tuple[str, str, str]:
    """The time, the author and the text."""
    written = MESSAGE(**asdict(message))
    posted = getattr(written if locale is None else locale.shown(written), "when_posted", "")
    who = message.author or message.type.value
    what = message.message or ""
    if message.special_type is not ChatMessageSpecialType.NONE:
        what = f"[{message.special_type.value}] {what}".rstrip()
    return posted[:_TO_THE_SECOND].replace("T", " "), f"{who}:", what


def _paragraph(text: str) -> str:
    return "<br>".join(escape(line) for line in text.splitlines())
