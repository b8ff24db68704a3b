"""`tunekit completion`."""

from __future__ import annotations

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that lets SHELL complete commands, options, spaces, searches, trials and --set.

    \b
    bash  add to ~/.bashrc:  eval "$(tunekit completion bash)"
    zsh   add to ~/.zshrc, after compinit:  eval "$(tunekit completion zsh)"
    fish  tunekit completion fish > ~/.config/fish/completions/tunekit.fish

    Example: tunekit completion bash
    """
    from tunekit.cli.shell.scripts import SCRIPTS

    click.echo(SCRIPTS[shell], nl=False)
