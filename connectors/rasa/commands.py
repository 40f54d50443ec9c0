"""`chengda rasa`: Rasa projects here, and our project on Rasa."""

from __future__ import annotations

import typer

from connectors.rasa import home_commands

commands = typer.Typer(help="Rasa beside us: our project on a real Rasa.", no_args_is_help=True)
home_commands.register(commands)
