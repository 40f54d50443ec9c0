"""The commands on calls: `chengda evaluate calls`, `chengda bench assist`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from bot.assist.assistance import Assistance
from bot.build import build_assistant
from bot.settings import Settings
from connectors.assist_api import assistance_of
from connectors.assist_bench import bench_assist
from connectors.evaluation.calls import Files, Wrong, evaluate_calls

Live = Annotated[int, typer.Option(help="Calls at once.", min=1)]
Seconds = Annotated[float, typer.Option(help="How long segments keep coming in.", min=1)]
Pause = Annotated[float, typer.Option(help="Seconds between two segments of one call.", min=0.05)]


def register(evaluations: typer.Typer, benches: typer.Typer) -> None:
    """Add the commands to the groups they belong to."""
    evaluations.command()(calls)
    benches.command()(assist)


def calls(files: Files = None, wrong: Wrong = False) -> None:
    """How well calls are understood: the right service among three, how early, and the fields of the form."""
    evaluate_calls(_assistance(), files or [], wrong, Console())


def assist(live: Live = 50, seconds: Seconds = 30.0, pause: Pause = 3.0) -> None:
    """How long the advice takes after a finished segment of a caller while many people call."""
    bench_assist(_assistance(), live, seconds, pause, Console())


def _assistance() -> Assistance:
    """The engine on a database in memory, so that measuring leaves nothing behind."""
    return assistance_of(build_assistant(Settings().model_copy(update={"database_url": "sqlite://"})))
