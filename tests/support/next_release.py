"""A release after this one, in which the view of AI sessions has a second version.

It is a copy of the packages with another number, another fold and another migration, which comes
before this release on Python's path.
"""

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("app", "domain", "migrations", "projections")
VERSION = "0.2.0"
VIEW = "projections/ai_session_info.py"
SEARCH = "    search=lambda session: {'letters': len(session.purpose or '')},\n)\n"
TABLES = """-- The view of AI sessions finds them by the length of their purposes.
CREATE TABLE ai_session_info_v2 (LIKE ai_session_info INCLUDING ALL);
ALTER TABLE ai_session_info_v2 REPLICA IDENTITY FULL,
    ADD COLUMN letters bigint GENERATED ALWAYS AS ((search ->> 'letters')::bigint) STORED;
CREATE TABLE ai_session_info_v2_history (LIKE ai_session_info_history INCLUDING ALL);
ALTER TABLE ai_session_info_v2_history
    ADD COLUMN letters bigint GENERATED ALWAYS AS ((search ->> 'letters')::bigint) STORED;
"""


def next_release(folder: Path) -> dict[str, str]:
    """Make it in an empty folder; the environment that programs of it need."""
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, folder / package, ignore=ignored)
    view = (folder / VIEW).read_text()
    changed = view.replace("version=1", "version=2").removesuffix(")\n") + SEARCH
    assert changed.count("version=2") == 1
    (folder / VIEW).write_text(changed)
    last = max(int(path.name[:4]) for path in (folder / "migrations").glob("[0-9]*.sql"))
    (folder / f"migrations/{last + 1:04}_second_version.sql").write_text(TABLES)
    told = folder / f"sessionary-{VERSION}.dist-info" / "METADATA"
    told.parent.mkdir()
    told.write_text(f"Metadata-Version: 2.1\nName: sessionary\nVersion: {VERSION}\n")
    return {"PYTHONPATH": str(folder)}
