"""The shape of the code: who may import whom, what is pure, where SQL is, how long things are."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("app", "domain", "migrations", "projections")
MODULE_LINES = 300
MAX_IGNORED = 5
IGNORED = re.compile("# (?:noqa|type: ignore)\\b")
FUNCTION_LINES = 40

PURE_LIBRARY = {
    "collections", "dataclasses", "datetime", "enum", "functools", "itertools", "math", "operator",
    "re", "typing", "uuid",
}  # fmt: skip
"""What of the standard library computes only; of `datetime` and `uuid`, most."""
MAY_IMPORT = {
    "domain": {"domain", "msgspec", *PURE_LIBRARY},
    "projections": {"projections", "domain", "msgspec", *PURE_LIBRARY},
}
IMPURE = {"now", "utcnow", "today", "uuid1", "uuid4", "getnode"}
IMPURE_BUILTINS = {"open", "print", "input", "eval", "exec", "__import__"}

SQL = re.compile(r"\b(SELECT|INSERT INTO|DELETE FROM|TRUNCATE|UPDATE \w+ SET|LOCK TABLE)\b")
DDL = re.compile(
    r"\b(CREATE|ALTER|DROP)\s+(OR\s+REPLACE\s+|UNIQUE\s+|TEMP\s+|UNLOGGED\s+|MATERIALIZED\s+)*"
    r"(TABLE|INDEX|VIEW|FUNCTION|PROCEDURE|TRIGGER|SEQUENCE|ROLE|SCHEMA|TYPE|EXTENSION)\b"
)
MADE = re.compile(r"\bCREATE (?:OR REPLACE )?FUNCTION ([\w%$]+)\(\)? ?(RETURNS trigger)?")
STANDS_ALONE = {"app/proof/copied.py"}
"""A part of the verifier that is handed out, which is one file."""
MAKES_TABLES = {
    "app/care/refilling.sql": "copies of a follower's tables, which take their place",
    "app/database/distribution.sql": "what other tables are distributed along, which goes then",
    "app/database/migrate.sql": "the table of what was applied, which no migration can make",
    "app/followers/library/tracking.sql": "the schema of a projection's own tables",
    "app/followers/reset.sql": "the same, which goes with the projection",
    "app/proof/witness_state.sql": "a witness's own file, where no database of ours is",
    "app/rebuild/refills.sql": "the schema of a follower's copies, which goes with them",
    "app/rebuild/tables.sql": "copies of a view's table, which take its place",
}


def files(suffix: str, *folders: str) -> list[str]:
    return sorted(
        str(path.relative_to(ROOT))
        for folder in folders
        for path in (ROOT / folder).rglob(f"*{suffix}")
    )


MODULES = files(".py", *PACKAGES)
TESTS = files(".py", "tests")
PURE_MODULES = files(".py", "domain", "projections")


@cache
def tree(module: str) -> ast.Module:
    return ast.parse((ROOT / module).read_text())


@cache
def nodes(module: str) -> list[ast.AST]:
    return list(ast.walk(tree(module)))


def imports(module: str) -> Iterator[str]:
    """Everything that a module imports, names from packages included, as dotted paths."""
    for node in nodes(module):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=source, names=names, level=0):
                yield from (f"{source}.{name.name}" for name in names)
            case ast.ImportFrom():
                yield "a relative import"


def is_in(path: str, packages: tuple[str, ...]) -> bool:
    return any(path == package or path.startswith(f"{package}.") for package in packages)


def texts(module: str) -> Iterator[str]:
    """Every string of a module that is no docstring."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in nodes(module)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in nodes(module):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in docstrings:
                yield text


def test_there_is_something_to_look_at() -> None:
    assert {"app/commands/handler.py", "domain/stored.py", "projections/fold.py"} <= set(MODULES)
    assert {"tests/conftest.py", "tests/unit/test_architecture.py"} <= set(TESTS)


def test_pure_packages_import_what_is_pure() -> None:
    wrong = [
        f"{module} imports {path}"
        for module in PURE_MODULES
        for path in imports(module)
        if path.partition(".")[0] not in MAY_IMPORT[module.partition("/")[0]]
    ]
    assert wrong == []


def test_pure_packages_have_no_clock_no_randomness_and_no_input_or_output() -> None:
    wrong = [
        f"{module}: {ast.unparse(node)}"
        for module in PURE_MODULES
        for node in nodes(module)
        if is_impure(node)
    ]
    assert wrong == []


def is_impure(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(attr=name) | ast.alias(name=name):
            return name in IMPURE
        case ast.Name(id=name):
            return name in IMPURE | IMPURE_BUILTINS
        case _:
            return isinstance(node, ast.AsyncFunctionDef | ast.Await)


def test_imports_run_one_way_and_no_face_knows_another() -> None:
    """The contracts are in pyproject.toml; indirect imports count too."""
    kept = subprocess.run(  # our own
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert kept.returncode == 0, kept.stdout + kept.stderr


def test_the_product_knows_no_tests() -> None:
    assert [
        module for module in MODULES if any(is_in(p, ("tests",)) for p in imports(module))
    ] == []


def test_few_modules_are_loose_at_the_top() -> None:
    assert {path.name for path in (ROOT / "app").glob("*.py")} == {
        "__init__.py", "main.py", "service.py", "settings.py"
    }  # fmt: skip


def test_python_holds_no_sql() -> None:
    assert [
        (module, text)
        for module in MODULES
        if module not in STANDS_ALONE
        for text in texts(module)
        if SQL.search(text) or DDL.search(text)
    ] == []


def test_tables_are_made_by_migrations() -> None:
    found = {
        script
        for script in files(".sql", "app", "projections", "domain")
        if DDL.search((ROOT / script).read_text())
    }
    assert found == set(MAKES_TABLES)


def test_functions_are_made_by_their_own_scripts_under_a_name_with_a_version() -> None:
    """Workers of an older release go on calling what they know while a newer one is deployed."""
    for script in files(".sql", "migrations"):
        text = (ROOT / script).read_text()
        named = MADE.findall(text)
        assert script.startswith("migrations/functions/") or not named, script
        for name, trigger in named:
            assert trigger or re.search(r"_\d+$", name), f"{script}: {name}"


def test_sql_stands_beside_the_python_that_runs_it() -> None:
    for script in files(".sql", "app", "projections"):
        assert (ROOT / script).with_suffix(".py").exists(), script


def test_every_module_says_what_it_is() -> None:
    assert [module for module in MODULES if not ast.get_docstring(tree(module))] == []


def test_few_lines_ask_a_checker_to_look_away() -> None:
    """What holds for whole folders stands in pyproject.toml, with its reason."""
    asked = [
        f"{module}:{number}"
        for module in MODULES
        for number, line in enumerate((ROOT / module).read_text().splitlines(), 1)
        if IGNORED.search(line)
    ]
    assert len(asked) <= MAX_IGNORED, asked


def test_no_module_is_long() -> None:
    lengths = {
        module: len((ROOT / module).read_text().splitlines()) for module in (*MODULES, *TESTS)
    }
    assert {module: lines for module, lines in lengths.items() if lines > MODULE_LINES} == {}


def test_no_function_is_long() -> None:
    lengths = {
        f"{module} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for module in MODULES
        for node in nodes(module)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: lines for name, lines in lengths.items() if lines > FUNCTION_LINES} == {}


def test_nothing_is_left_to_do() -> None:
    mark = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
    scripts = [*MODULES, *TESTS, *files(".sql", *PACKAGES)]
    assert [script for script in scripts if mark.search((ROOT / script).read_text())] == []
