"""The verifier as it is handed out: one file that needs only Python and `cryptography`."""

import ast
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import cryptography
import pytest
from support.exported import events, export, hashes, leaf, line
from support.receipted import LOG as ERASED_LOG
from support.receipted import note as note_of_erased
from support.receipted import receipt
from support.rfc9162 import inclusion
from support.signed import Signer, checkpoint_of, signed, signers

from app.proof import standalone
from app.proof.verifier import Note, TlogProof

EVENTS = events(60)
LEAVES = hashes(EVENTS)
LOG = Signer("log/0")
WITNESS = Signer("witness.example/w1", 4)
PACKAGES = Path(cryptography.__file__).parents[1]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the verifier, and with nothing to import but `cryptography`."""
    folder = tmp_path_factory.mktemp("alone")
    (folder / "verifier.py").write_text(standalone.text(), encoding="utf-8")
    for name in ("cryptography", "cffi", "_cffi_backend*"):
        for found in PACKAGES.glob(name):
            (folder / found.name).symlink_to(found)
    return folder


def run(folder: Path, *arguments: str, given: bytes = b"") -> tuple[int, str]:
    code = (
        "import sys; sys.path[:] = [p for p in sys.path if 'site-packages' not in p];"
        f"sys.path.insert(0, {str(folder)!r}); import verifier; sys.exit(verifier.main())"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, *arguments],
        cwd=folder, input=given, capture_output=True, check=False,
    )  # fmt: skip
    said = (done.stdout + done.stderr).decode()
    assert "Traceback" not in said, said
    return done.returncode, said


def proof(position: int, *by: Signer, extra: bool = True) -> TlogProof:
    return TlogProof(
        position - 1,
        tuple(inclusion(position - 1, LEAVES)),
        signed(str(checkpoint_of("log/0", LEAVES)), *(by or (LOG,))),
        leaf(EVENTS[position - 1]) if extra else None,
    )


def write(folder: Path, name: str, what: object) -> str:
    path = folder / name
    path.write_bytes(what if isinstance(what, bytes) else str(what).encode())
    return str(path)


def note(size: int, *by: Signer) -> Note:
    return signed(str(checkpoint_of("log/0", LEAVES[:size])), *(by or (LOG,)))


def test_no_name_is_given_twice_and_nothing_of_ours_is_imported() -> None:
    tree, names = ast.parse(standalone.text()), Counter[str]()
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names[name] += 1
            case ast.Assign(targets=targets):
                for target in targets:
                    names.update(n.id for n in ast.walk(target) if isinstance(n, ast.Name))
    assert [name for name, times in names.items() if times > 1] == []
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else
                     [each.name for each in node.names])
    }  # fmt: skip
    assert imported - sys.stdlib_module_names == {"cryptography", "backports", "compression"}


def test_a_proof_shows_its_event(alone: Path) -> None:
    file = write(alone, "p", f"{proof(17, LOG, WITNESS)}{proof(18)}")
    code, said = run(alone, "proof", file, "--key", str(LOG.key))
    assert code == 0
    assert "shown: event 0:17" in said
    assert "shown: event 0:18" in said
    assert "not checked: " in said
    code, said = run(alone, "proof", file, "--key", str(LOG.key), "--witness", str(WITNESS.key))
    assert (code, "given (witness.example/w1)" in said) == (1, True)


def test_a_proof_without_its_event_takes_a_line_of_an_export(alone: Path) -> None:
    file = write(alone, "p", proof(17, extra=False))
    key = ("--key", str(LOG.key))
    for event, code in ((17, 0), (18, 1)):
        given = write(alone, "e", line(EVENTS[event - 1]).strip())
        assert run(alone, "proof", file, *key, "--event", given)[0] == code
    code, said = run(alone, "proof", file, *key)
    assert (code, "give the event's line with --event" in said) == (1, True)


@pytest.mark.parametrize("place", [0, 300, -2])
def test_a_changed_byte_of_a_proof_is_no_proof(alone: Path, place: int) -> None:
    whole = str(proof(17)).encode()
    place %= len(whole)
    file = write(alone, "p", whole[:place] + bytes((whole[place] ^ 1,)) + whole[place + 1 :])
    assert run(alone, "proof", file, "--key", str(LOG.key))[0] == 1


def test_an_export_is_shown_up_to_the_checkpoint(alone: Path) -> None:
    kept = write(alone, "kept", f"{note(20)}{note(50, LOG, WITNESS)}")
    asked = ("--key", str(LOG.key), "--checkpoint", kept, "--json")
    code, said = run(alone, "export", write(alone, "x", export(EVENTS)), *asked)
    answer = json.loads(said)
    assert (code, answer["ok"], answer["firstBadPosition"]) == (0, True, None)
    assert "events 1 to 50" in answer["checked"][0]
    assert "events 51 to 60" in answer["notChecked"][0]
    assert run(alone, "export", "-", *asked, given=export(EVENTS))[0] == 0


def test_an_altered_export_is_not(alone: Path) -> None:
    kept = write(alone, "kept", f"{note(20)}{note(21)}{note(60)}")
    asked = ("--key", str(LOG.key), "--checkpoint", kept)
    log = [*EVENTS]
    log[20] = log[20]._replace(actor="eve")
    code, said = run(alone, "export", "-", *asked, given=export(log))
    assert (code, "first bad position: 0:21" in said) == (1, True)
    code, said = run(alone, "export", "-", *asked, given=export(EVENTS[:40]))
    assert (code, "first bad position: 0:41" in said) == (1, True)
    code, said = run(alone, "export", "-", *asked, given=export(EVENTS)[:-3])
    assert (code, "Line 62, the checkpoint, cannot be read" in said) == (1, True)
    code, said = run(alone, "export", "-", *asked, given=b"".join(map(line, EVENTS)))
    assert (code, "cut off after line 60" in said) == (1, True)


def test_a_checkpoint_tells_who_signed_it(alone: Path) -> None:
    for log in signers("log/0"):
        file = write(alone, "c", note(20, log, WITNESS))
        for key in (write(alone, "k", f"{log.key}\n"), str(log.key)):
            keys = ("--key", key, "--witness", str(WITNESS.key))
            code, said = run(alone, "checkpoint", file, *keys)
            assert code == 0, said
        assert "the checkpoint of 20 events of log/0" in said
        assert "witness.example/w1 at 2027-01-15T08:00:00" in said
        given = str(note(20, log, WITNESS)).encode()
        assert run(alone, "checkpoint", "-", *keys, given=given) == (0, said)


def test_a_receipt_shows_its_erasures(alone: Path) -> None:
    whole = str(receipt()).encode()
    asked = ("--key", write(alone, "keys", f"{ERASED_LOG.key}\n"), "--json")
    kept = ("--checkpoint", write(alone, "kept", note_of_erased(60)))
    code, said = run(alone, "receipt", write(alone, "r", whole), *asked, *kept)
    answer = json.loads(said)
    assert (code, answer["ok"]) == (0, True)
    assert "of s45 was erased by event 0:45" in answer["checked"][1]
    assert "is the one that was kept" in answer["checked"][-1]
    assert any("copies of the database" in each for each in answer["notChecked"])
    assert run(alone, "receipt", "-", *asked, given=whole)[0] == 0
    altered = whole.replace(b"on the phone", b"by a letter")
    code, said = run(alone, "receipt", "-", *asked, given=altered)
    assert (code, "was altered" in said) == (1, True)
    assert run(alone, "receipt", "-", *asked, given=b"")[0] == 1
    assert run(alone, "receipt", "none", *asked)[0] == 2


def test_a_foreign_checkpoint_is_named(alone: Path) -> None:
    other = signed(str(checkpoint_of("other/0", LEAVES)), Signer("other/0"))
    kept = write(alone, "kept", other)
    for key in (LOG, Signer("other/0")):
        asked = ("--key", str(key.key), "--checkpoint", kept)
        code, said = run(alone, "export", "-", *asked, given=export(EVENTS))
        assert code == 1
        assert "NOT SHOWN: " in said


def test_two_checkpoints_of_one_size_show_a_fork(alone: Path) -> None:
    fork = signed(str(checkpoint_of("log/0", LEAVES[1:21])), LOG)
    file = write(alone, "kept", f"{note(20)}{note(10)}{fork}")
    for asked in (("checkpoint", file), ("export", "-", "--checkpoint", file)):
        code, said = run(alone, *asked, "--key", str(LOG.key), given=export(EVENTS))
        assert (code, "replaced or forked" in said) == (1, True)
    file = write(alone, "kept", f"{note(20)}{note(20, LOG, WITNESS)}")
    assert run(alone, "checkpoint", file, "--key", str(LOG.key))[0] == 0


@pytest.mark.parametrize(
    "arguments",
    [
        (), ("prove",), ("proof",), ("proof", "p"), ("proof", "none", "--key", str(LOG.key)),
        ("proof", "p", "--key", "rubbish"), ("proof", "p", "--key", "rub+bish"),
        ("export", "-", "--key", str(LOG.key)),
        ("database", "postgresql://[::1]:1/", "--key", str(LOG.key), "--checkpoint", "kept"),
    ],
)  # fmt: skip
def test_wrong_use_ends_with_2(alone: Path, arguments: tuple[str, ...]) -> None:
    write(alone, "kept", note(20))
    write(alone, "p", proof(17))
    assert run(alone, *arguments)[0] == 2
