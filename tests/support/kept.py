"""What somebody keeps of a log outside, and asks the verifier with."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.log.read import heads
from app.proof import checkpoints, signing, tree
from app.proof.brought import keys_of
from app.proof.given import Given, checkpoints_in
from app.proof.verifier import VerifierKey, main
from app.service import Service
from support import tree_of


class Kept:
    """What somebody keeps outside: checkpoints and keys. It asks the verifier."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys
        self.notes: dict[int, str] = {}

    @property
    def given(self) -> list[Given]:
        """The checkpoints, as `verify` takes them."""
        return checkpoints_in(self.folder / "notes")

    @property
    def keys(self) -> list[VerifierKey]:
        """The keys, as `verify` takes them."""
        return keys_of([str(self.folder / "keys")])

    async def keep(self, service: Service) -> None:
        """Sign what there is, and keep it."""
        await tree_of.caught_up(service)
        signer = await signing.signer(service.pool, service.log.keyring, with_ml_dsa=False)
        keys = ""
        for head in await heads(service.pool):
            (root,) = await tree.roots(service.pool, head.partition, [head.position])
            self.notes[head.partition] = note = signer.note(head.partition, head.position, root)
            place = (head.partition, head.position)
            await service.pool.ask(checkpoints.SQL["keep"], *place, note, writes=True)
            keys += "".join(f"{key}\n" for key in await signing.vkeys(service.pool, head.partition))
        (self.folder / "keys").write_text(keys)
        with (self.folder / "notes").open("a") as file:
            file.writelines(self.notes.values())

    def ask(self, command: str, what: str) -> tuple[int, dict[str, Any]]:
        """The exit code of the verifier, and what it says."""
        self._capsys.readouterr()
        keys, notes = str(self.folder / "keys"), str(self.folder / "notes")
        code = main([command, what, "--key", keys, "--checkpoint", notes, "--json"])
        return code, json.loads(self._capsys.readouterr().out)
