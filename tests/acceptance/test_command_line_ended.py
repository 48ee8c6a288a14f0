"""A command that is told to end takes its database with it."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.patience import patient
from support.service_process import STOPS_S, data_directory

from app.database.embedded_cluster import Cluster

WAITING = """
import sys, click
from app.cli.options import on_data
from app.maintenance.store import SchemaPermission, database
@click.command()
@on_data
def wait(where):
    with database(where, SchemaPermission.BEGIN):
        print("there", flush=True)
        sys.stdin.read()
wait()
"""


@contextmanager
def waiting(folder: Path, inherited: signal.Handlers) -> Iterator[subprocess.Popen[str]]:
    """A command that holds its database until its standard input ends.

    `inherited`: what it finds SIGHUP set to, whatever the tests themselves were started with.
    """
    command = [sys.executable, "-c", WAITING, f"--data-dir={folder}"]
    pipe = subprocess.PIPE
    ours = signal.signal(signal.SIGHUP, inherited)
    try:
        started = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)  # ourselves
    finally:
        signal.signal(signal.SIGHUP, ours)
    with started:
        assert started.stdout is not None
        assert started.stdout.readline() == "there\n"
        assert Cluster.at(folder)._processes()
        yield started
    assert Cluster.at(folder)._processes() == []


@pytest.mark.parametrize(("told", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_command_that_is_told_to_end_leaves_no_database_behind(
    told: signal.Signals, code: int
) -> None:
    with data_directory() as folder, waiting(folder, signal.SIG_DFL) as command:
        command.send_signal(told)
        assert command.wait(patient(STOPS_S)) == code


def test_a_command_under_nohup_outlasts_its_terminal() -> None:
    with data_directory() as folder, waiting(folder, signal.SIG_IGN) as command:
        command.send_signal(signal.SIGHUP)
        command.communicate(timeout=patient(STOPS_S))
        assert command.returncode == 0
