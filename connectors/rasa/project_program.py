"""`chengda rasa check|train|shell|run` alone, without what the rest of the command line loads."""

from __future__ import annotations

import typer
from rich.console import Console

from bot.errors import ChengdaError
from connectors.rasa import project_commands
from knowledge.encoder import EncoderError
from knowledge.yaml_file import ContentError

app = typer.Typer(no_args_is_help=True)
commands = typer.Typer(help="Rasa projects on our engine: check, train, talk, serve.", no_args_is_help=True)
project_commands.register(commands)
app.add_typer(commands, name="rasa")


def main() -> None:
    """Run the command; known errors are told without a trace."""
    try:
        app()
    except (ChengdaError, ContentError, EncoderError) as error:
        Console(stderr=True).print(f"[red]error[/red] {error}", highlight=False)
        raise SystemExit(1) from None
