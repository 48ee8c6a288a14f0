from collections import Counter
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import (
    AccountId,
    AISessionId,
    ChatSessionId,
    StreamId,
    account_stream,
    ai_session_stream,
    chat_session_stream,
    partition_of,
)

TEXT = "0190a000-0000-7000-8000-00000000abcd"


def test_an_ai_session_is_its_own_stream() -> None:
    assert ai_session_stream(AISessionId(TEXT)) == UUID(TEXT)


@pytest.mark.parametrize(
    "text",
    [TEXT.upper(), TEXT.replace("-", ""), f"{{{TEXT}}}", f"urn:uuid:{TEXT}", f" {TEXT}", TEXT[:-1],
     "", "7", "0" * 4_000, "\0", "dd5dd7b1-2da6-5ddf-9b38-25e243b2bed7", TEXT.replace("-7", "-4"),
     TEXT.replace("-8", "-c")],
    ids=["upper case", "bare", "braces", "urn", "space", "short", "empty", "number", "long", "nul",
         "derived", "version 4", "variant"],
)  # fmt: skip
def test_another_spelling_names_no_session(text: str) -> None:
    assert ai_session_stream(AISessionId(text)) is None


@given(st.text(max_size=40))
def test_any_text_is_a_canonical_uuid_or_no_session(text: str) -> None:
    stream = ai_session_stream(AISessionId(text))
    assert stream is None or str(stream) == text


def test_derived_streams_stay_what_they_were() -> None:
    # Sessions that exist are found under these: a change here loses them.
    assert chat_session_stream(ChatSessionId(7)) == UUID("c48ff729-3f39-5524-a9ff-937a6d610267")
    assert account_stream(AccountId("a1")) == UUID("fc6df758-632f-57a8-b664-fa77ca550c54")


def test_numbers_and_accounts_do_not_meet() -> None:
    streams = {chat_session_stream(ChatSessionId(number)) for number in range(100)}
    streams |= {account_stream(AccountId(str(number))) for number in range(100)}
    assert len(streams) == 200


def test_an_account_id_is_told_by_every_character() -> None:
    spellings = ["a1", "A1", "a1 ", "\N{CYRILLIC SMALL LETTER A}1", "a1\n"]
    assert len({account_stream(AccountId(each)) for each in spellings}) == len(spellings)


@given(st.uuids(), st.integers(1, 64))
def test_a_partition_is_one_of_those_there_are(stream: UUID, partitions: int) -> None:
    assert 0 <= partition_of(StreamId(stream), partitions) < partitions


def test_partitions_stay_what_they_were() -> None:
    assert partition_of(StreamId(UUID(TEXT)), 1) == 0
    assert partition_of(StreamId(UUID(TEXT)), 16) == 13
    assert partition_of(chat_session_stream(ChatSessionId(7)), 16) == 7


def test_streams_spread_over_the_partitions() -> None:
    counts = Counter(
        partition_of(StreamId(uuid5(UUID(TEXT), str(number))), 8) for number in range(4_000)
    )
    assert len(counts) == 8
    assert min(counts.values()) > 400
