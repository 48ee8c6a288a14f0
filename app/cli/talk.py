"""What commands say to people, on stderr: sentences, or log lines where a program reads them."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

_LOG = logging.getLogger("sessionary.serve")


class _Talk:
    in_log_lines = False


def speak_in_log_lines() -> None:
    """From now on, sentences are log lines; `app.telemetry.logs` says how they look."""
    _Talk.in_log_lines = True


def say(sentence: str, level: int = logging.INFO) -> None:
    """Say a sentence."""
    if _Talk.in_log_lines:
        _LOG.log(level, "%s", sentence)
    else:
        click.echo(sentence, err=True)


@contextmanager
def refusals() -> Iterator[None]:
    """Where log lines are spoken, make one of a refusal, which otherwise comes with the usage."""
    try:
        yield
    except click.ClickException as refused:
        if not _Talk.in_log_lines:
            raise
        say(refused.format_message(), logging.ERROR)
        sys.exit(refused.exit_code)
