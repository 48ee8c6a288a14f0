"""`metrics`: what watches the service from outside, to be loaded there."""

from pathlib import Path

import click

import app.telemetry

_FOLDER = Path(app.telemetry.__file__).parent


@click.group()
def metrics() -> None:
    """A board and alert rules for the metrics at /metrics."""


@metrics.command()
def board() -> None:
    """Print a board for Grafana (Dashboards, New, Import)."""
    click.echo((_FOLDER / "board.json").read_text(), nl=False)


@metrics.command()
def alerts() -> None:
    """Print rules for Prometheus (rule_files)."""
    click.echo((_FOLDER / "alerts.yml").read_text(), nl=False)
