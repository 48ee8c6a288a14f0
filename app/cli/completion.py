"""`completion`: the script that lets a shell complete commands and options."""

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script that lets a shell complete commands and options.

    For bash: `source <(sessionary completion bash)` in ~/.bashrc; for zsh the same in ~/.zshrc; for
    fish: `sessionary completion fish > ~/.config/fish/completions/sessionary.fish`.
    """
    from click.shell_completion import get_completion_class

    from app.cli.main import main

    made = get_completion_class(shell)
    assert made is not None  # click has these three
    script = made(main, {}, "sessionary", "_SESSIONARY_COMPLETE")
    click.echo(script.source())
