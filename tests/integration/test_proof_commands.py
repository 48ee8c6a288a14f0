"""`verify`, `prove` and `checkpoint` with what is wrong: a code, and a sentence that names it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support import database
from support.histories import mixed
from support.kept import Kept
from support.signed import Signer, checkpoint_of, signed
from support.signed_log import SignedLog

from app.cli.main import main
from app.service import Service

FOREIGN = SignedLog(["a", "b"], "elsewhere/0")
PROOF = "verify --proof --output=json "
CASES = {
    f"{PROOF}--since=7:1": (1, "the log has no partition 7"),
    f"{PROOF}--since=0:99999": (1, "the log ends at 0:"),
    f"{PROOF}--since=0:-1": (2, "is no position such as 0:17"),
    f"{PROOF}--since=0:x": (2, "is no position such as 0:17"),
    f"{PROOF}--since=17": (2, "is no position such as 0:17"),
    f"{PROOF}--since=0:{'9' * 30}": (2, "is no position such as 0:17"),
    f"{PROOF}--since=0:1 --since=0:2": (2, "given twice"),
    "verify --views --since=0:1": (2, "--key and --since go with"),
    "verify --log --key=KEY": (2, "--key and --since go with"),
    f"{PROOF}--key=rubbish": (2, "is no key"),
    f"{PROOF}--key=log/0+00000000+!!": (2, "is not canonical Base64"),
    f"{PROOF}--key=PRIVATE+KEY+x": (2, "This is a private key"),
    f"{PROOF}--key=empty": (2, "holds no key"),
    f"{PROOF}--key=noise": (2, "noise cannot be read"),
    f"{PROOF}--key=.": (2, "Is a directory"),
    f"{PROOF}--key=foreign.key": (1, "is of another log than this one"),
    f"{PROOF}--key=foreign.key --key=KEY": (1, "is of another log than this one"),
    f"{PROOF}--key=another.key": (1, "none of those that the log has had"),
    f"{PROOF}--checkpoint=none": (2, "none"),
    f"{PROOF}--checkpoint=.": (2, "is a directory"),
    f"{PROOF}--checkpoint=/dev/zero": (2, "has more than"),
    f"{PROOF}--checkpoint=empty": (1, "empty: A note has a text"),
    f"{PROOF}--checkpoint=noise": (1, "noise: The note is not UTF-8 at byte 0"),
    f"{PROOF}--checkpoint=foreign": (1, "is of elsewhere/0, not of this log"),
    f"{PROOF}--checkpoint=partition": (1, "not of this log"),
    f"{PROOF}--checkpoint=another --key=KEY": (1, "another: the checkpoint of size 3"),
    f"{PROOF}--checkpoint=altered": (1, "was altered"),
    f"{PROOF}--checkpoint=unsigned": (1, "unsigned: A note has a text"),
    "verify --receipt=noise --key=KEY": (1, "noise: Line 1 is not a receipt"),
    "verify --receipt=empty --key=KEY": (1, "empty: A receipt is a line"),
    "verify --receipt=/dev/zero --key=KEY": (2, "has more than"),
    "verify --receipt=noise --views": (2, "--receipt goes with"),
    "prove 0:99999 -o out": (2, "99999"),
    "prove 0:0 -o out": (2, "0:0"),
    "prove 7:1 -o out": (2, "7:1"),
    "prove nobody -o out": (2, "nobody"),
    f"prove {'0' * 8}-0000-0000-0000-{'0' * 12} -o out": (2, "0000"),
    f"prove 0:{'9' * 30} -o out": (2, "999"),
    "prove 0:1 -o none/out": (2, "none/out cannot be written"),
    "prove 0:1 -o .": (2, "is a directory"),
    "checkpoint show --partition=7": (2, "has no partition 7"),
    "checkpoint show --partition=-1": (2, "-1"),
    "checkpoint show --size=-1": (2, "-1"),
    "checkpoint show --size=x": (2, "is not a valid integer"),
    f"checkpoint show --size={'9' * 30}": (2, "has the size"),
    "checkpoint export none/out": (2, "none/out cannot be written"),
    "checkpoint export out --partition=7": (2, "has no partition 7"),
    "checkpoint key --partition=7": (2, "has no partition 7"),
}


async def bring(kept: Kept, service: Service) -> str:
    """Write what the cases name; the first partition's key."""
    await mixed(service, 1, 4)
    await kept.keep(service)
    text = kept.notes[0]
    name, size = text.split("\n")[:2]
    another, beside = Signer(name), Signer(f"{name[:-2]}/99")
    leaves = [bytes(32)] * 3
    for file, data in {
        "empty": b"",
        "noise": b"\xff\0\n",
        "foreign": str(FOREIGN.note(2)).encode(),
        "foreign.key": f"{FOREIGN.key}\n".encode(),
        "another": str(signed(str(checkpoint_of(name, leaves)), another)).encode(),
        "another.key": f"{another.key}\n".encode(),
        "partition": str(signed(str(checkpoint_of(beside.name, leaves)), beside)).encode(),
        "altered": text.replace(f"\n{size}\n", f"\n{int(size) - 1}\n").encode(),
        "unsigned": text.partition("—")[0].encode(),
    }.items():
        (kept.folder / file).write_bytes(data)
    database.write_master_key(kept.folder / "master.key")
    return str(kept.keys[0])


@pytest.fixture
async def key(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> str:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    return await bring(Kept(tmp_path, capsys), service)


def run(url: str, *arguments: str) -> Result:
    place = [f"--database-url={url}", "--data-dir=.", "--allow-unsafe-database"]
    return CliRunner().invoke(main, [*arguments, *place])


@pytest.mark.parametrize("partitions", [1])
def test_what_is_wrong_is_named(key: str, database_url: str) -> None:
    for line, (code, words) in CASES.items():
        ended = run(database_url, *(each.replace("=KEY", f"={key}") for each in line.split()))
        about = (line, ended.exit_code, ended.output)
        assert (ended.exit_code, words in ended.output) == (code, True), about
        assert "Traceback" not in ended.output, about
        if "json" in line and code == 1:
            told = json.loads(ended.stdout)
            assert not told["ok"], about
            assert words in str(told["differences"]), about


@pytest.mark.parametrize("partitions", [1])
def test_without_the_master_key_each_says_so(key: str, database_url: str) -> None:
    Path("other.key").touch(0o600)
    Path("other.key").write_text(database.MASTER_KEY_FILE.replace("MDE", "MDI"))
    for line in ("verify --proof", "prove 0:1 -o out", "checkpoint show --size=3"):
        for file, words in (("lost.key", "lost.key"), ("other.key", "master key")):
            ended = run(database_url, *line.split(), f"--master-key-file={file}")
            about = (line, file, ended.exit_code, ended.output)
            assert (ended.exit_code, words in ended.output) == (2, True), about
            assert not Path("lost.key").exists(), about
    assert run(database_url, "verify", f"--key={key}").exit_code == 0
    size = Path("notes").read_text().split("\n")[1]
    assert f", up to 0:{size}" in run(database_url, "status").output
