"""Programs that run in Node: a folder with what npm has of them, and our scripts.

Node 18 or newer and npm have to be there, and npm's registry (or its cache) within reach; without
them the tests that ask for a folder are skipped.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from support.patience import patient

CLIENTS = Path(__file__).with_name("clients")
"""Our scripts."""
INSTALL = ("install", "--prefer-offline", "--no-save", "--no-package-lock", "--ignore-scripts")
OLDEST = 18
PATIENCE_S = 240.0


def node_project(folder: Path, *packages: str) -> Path:
    """Put packages and our scripts into an empty folder."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("needs Node and npm on the PATH (apt-get install nodejs npm)")
    version = run(Path(), node, "--version").stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST:
        pytest.skip(f"needs Node {OLDEST} or newer on the PATH, not {version}")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    installed = run(folder, npm, *INSTALL, *packages)
    if installed.returncode != 0:
        pytest.skip(f"needs npm to reach its registry once: {installed.stderr[-500:]}")
    for script in CLIENTS.iterdir():
        shutil.copy(script, folder)
    return folder


def run(folder: Path, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder, and return when it ended; `more` of environment variables."""
    return subprocess.run(  # Node's programs
        command,
        cwd=folder,
        env=os.environ | more,
        capture_output=True,
        text=True,
        check=False,
        timeout=patient(PATIENCE_S),
    )
