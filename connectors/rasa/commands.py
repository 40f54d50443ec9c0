"""`chengda rasa`: Rasa projects here, and our project on Rasa."""

from __future__ import annotations

import typer

from connectors.rasa import home_commands, project_commands

commands = typer.Typer(
    help="Rasa projects on our engine: check, train, talk, serve; and our project on a real Rasa.", no_args_is_help=True
)
project_commands.register(commands)
home_commands.register(commands)
