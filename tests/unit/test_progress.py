"""Progress where nobody looks at a terminal."""

import pytest

from app.cli.progress import progress


def test_progress_in_a_log_is_a_line_from_time_to_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    with progress("Rebuilding") as advance:
        for second in range(1, 26):
            now = 100.0 + second
            advance(second * 20, 2_000)
    assert capsys.readouterr().err == (
        "Rebuilding: 200 of 2000 events, 20 a second, 90 s left\n"
        "Rebuilding: 400 of 2000 events, 20 a second, 80 s left\n"
    )
