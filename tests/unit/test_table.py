import pytest

from app.http.table import Table

TABLE = Table(
    {
        "/ai/sessions": "list",
        "/ai/sessions/{session_id}": "one",
        "/ai/sessions/default": "default",
        "/ai/sessions/{session_id}/events/{version}": "event",
        "/Accounts": "accounts",
        "/": "root",
    }
)


@pytest.mark.parametrize(
    ("path", "target", "parameters"),
    [
        ("/ai/sessions", "list", {}),
        ("/ai/sessions/", "list", {}),
        ("/AI/Sessions", "list", {}),
        ("/accounts", "accounts", {}),
        ("/ai/sessions/S7", "one", {"session_id": "S7"}),
        ("/ai/SESSIONS/S7/", "one", {"session_id": "S7"}),
        ("/ai/sessions/DEFAULT", "default", {}),
        ("/ai/sessions/a b%2Fc", "one", {"session_id": "a b%2Fc"}),
        ("/ai/sessions/{session_id}", "one", {"session_id": "{session_id}"}),
        ("/ai/sessions/S7/Events/3", "event", {"session_id": "S7", "version": "3"}),
        ("/", "root", {}),
        ("", "root", {}),
    ],
)
def test_a_path_leads_to_its_target(path: str, target: str, parameters: dict[str, str]) -> None:
    assert TABLE.find(path) == (target, parameters)


@pytest.mark.parametrize(
    "path",
    [
        "/ai",
        "/ai/session",
        "/ai/sessions/S7/events",
        "/ai/sessions/S7/other/3",
        "/ai/sessions/S7/events/3/4",
        "/ai//sessions",
        "/other",
        "/ai/sessions/default/events",
    ],
)
def test_nothing_is_at_other_paths(path: str) -> None:
    assert TABLE.find(path) is None


def test_an_empty_table_has_nothing() -> None:
    assert Table[str]({}).find("/") is None
