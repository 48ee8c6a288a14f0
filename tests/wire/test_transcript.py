"""A chat as one text."""

from app.faces.superoffice.wire.locale import locale_of
from app.faces.superoffice.wire.transcript import transcript
from domain.chat.enums import ChatMessageSpecialType, ChatMessageType
from domain.chat.message import ChatMessage
from domain.date_time import DateTime

SAID = ChatMessage(
    type=ChatMessageType.TO_USER,
    message="1 < 2\n& more",
    author="Sam",
    when_posted=DateTime("2026-07-01T10:00:05.1234567"),
)
ENDED = ChatMessage(
    type=ChatMessageType.SPECIAL,
    special_type=ChatMessageSpecialType.CLOSED_BY_IDLE,
    when_posted=DateTime("2026-07-01T11:00:00"),
)


def test_plain_text_has_a_line_for_each_message() -> None:
    assert transcript([SAID, ENDED], None, html=False) == (
        "2026-07-01 10:00:05 Sam: 1 < 2\n& more\n2026-07-01 11:00:00 Special: [ClosedByIdle]"
    )


def test_html_has_a_paragraph_for_each_message_and_no_markup_of_theirs() -> None:
    assert transcript([SAID], None, html=True) == (
        "<p><time>2026-07-01 10:00:05</time> <b>Sam:</b> 1 &lt; 2<br>&amp; more</p>"
    )


def test_times_are_those_of_the_zone_that_is_asked_for() -> None:
    locale = locale_of({b"so-timezone": b"NO"})
    assert transcript([SAID], locale, html=False).startswith("2026-07-01 12:00:05 ")


def test_nothing_said_is_nothing() -> None:
    assert transcript([], None, html=True) == transcript([], None, html=False) == ""
