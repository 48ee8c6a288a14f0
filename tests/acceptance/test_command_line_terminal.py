"""What a person sees on a terminal, wide or narrow, and sentences for what is refused."""

import json

import pytest
from support.commands import assert_refused
from support.story import MESSAGE, TIME, Story, lines, squeezed
from support.terminal import on_terminal


@pytest.mark.parametrize("columns", [40, 80, 119, 120, 200])
def test_no_terminal_is_too_narrow_for_a_value(story: Story, columns: int) -> None:
    data = f"--data-dir={story.served.data_dir}"
    shown = on_terminal("replay", story.chat, data, columns=columns)
    assert max(map(len, shown.splitlines())) <= columns
    told = squeezed(shown)
    for value in (f"Message={json.dumps(MESSAGE)}", "FirstMessage:null->", "127.0.0.1"):
        assert squeezed(value) in told or columns >= 120
    for value in ("chat_session.message_added.v1", "version2", "admin", "(SystemAdministrator)"):
        assert value in told
    assert len(TIME.findall(shown.replace("\n", " "))) == 2
    assert ("when " in shown) == (columns >= 120)


def test_a_wide_table_wraps_its_last_column(story: Story) -> None:
    data = f"--data-dir={story.served.data_dir}"
    shown = on_terminal("replay", story.session, data, columns=150)
    assert 'purpose: "triage" -> "billing"' in shown
    assert story.session in shown
    shown = on_terminal("replay", story.chat, data, columns=150)
    column = "".join(line[97:].strip() for line in shown.splitlines())
    assert squeezed(json.dumps(MESSAGE)) in squeezed(column)


@pytest.mark.parametrize("command", ["tokens list", "users list", "replay {session} --diff 1 3"])
@pytest.mark.parametrize("columns", [50, 160])
def test_other_tables_are_cut_nowhere(story: Story, command: str, columns: int) -> None:
    data = f"--data-dir={story.served.data_dir}"
    typed = command.format(session=story.session).split()
    shown = on_terminal(*typed, data, columns=columns)
    told = squeezed(shown)
    assert "…" not in shown
    for line in lines(story.by_database(*typed)):
        assert all(squeezed(cell) in told for cell in line.split("\t") if "2026-" not in cell)


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("events list --type=ai_sesion.patched", "ai_session.patched"),
        ("events list --field=purpos", "purpose"),
        ("events list --operation=PatchSession", "PatchAISession"),
        ("events list --face=fax", "there are audit, cli, "),
        ("events list --since=tomorrow", "not 'tomorrow'"),
        ("events list --since=2026-13-01", "not '2026-13-01'"),
        ("events list --since=2099-01-01", "in the future"),
        ("events list --until=0:999999999", "in the future"),
        ("events list --since=7", "only a single session has versions"),
        ("events list --since=9:1", "is the last partition"),
        ("events list --limit=1000000000000000000000000000000", "is not in the range"),
        ("events list --session=nobody", "Nothing was recorded for nobody"),
        ("events list --actor=\x1b[31m", "printable"),
        ("events list --actor=\udcff", "printable"),
        ("events list --tz=Mars/Olympus", "no time zone Mars/Olympus"),
        ("events list --tz=../../etc/passwd", "no time zone"),
        ("events show 1000000000000000000000000000000", "An event has a position"),
        ("events show 0:1000000000000000000000000000000", "An event has a position"),
        ("events show 0:999999999", "There is no event 0:999999999"),
        ("events show 9:1", "There is no event 9:1"),
        ("events tail --follow --output=json", "ndjson"),
        ("replay {session} --as-of=4", "there is no version 4"),
        ("replay {session} --as-of=0", "there is no version 0"),
        ("replay {session} --as-of=1000000000000000000000000000000", "takes a time"),
        ("replay {session} --as-of=2001-01-01", "Nothing was recorded for"),
        ("replay {session} --as-of=2099-01-01", "in the future"),
        ("replay {session} --diff 1 9", "there is no version 9"),
        ("replay {session} --diff 1 2 --as-of=1", "leave out --as-of"),
        ("replay {session} --who=nothing", "accountId, purpose"),
        ("replay {session} --who=purpose --state", "two questions"),
        ("replay 1000000000000000000000000000000", "Nothing was recorded for 1000"),
        ("replay account:\udcff", "printable"),
        ("replay nonsense", "names no stream"),
    ],
)
def test_what_cannot_be_answered_is_said_in_a_sentence(
    story: Story, command: str, sentence: str
) -> None:
    typed = command.format(session=story.session).split()
    assert_refused(story.by_database(*typed), 2, sentence)
    refused = story.by_server(*typed)
    assert refused.returncode == 2, refused.stderr
    assert refused.stdout == ""
    assert "Traceback" not in refused.stderr
    assert len(refused.stderr.splitlines()) <= 5
