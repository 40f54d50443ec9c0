"""Shadow mode: started beside the live assistant when a candidate is set, and its findings printed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bot.assistant import Assistant
from bot.settings import Settings
from bot.shadow import ASPECTS, FILE, Shadow, load_candidate
from connectors import metrics
from knowledge.city import find_city

EXAMPLES = 2
# Seconds a server that ends waits for the candidate, which may still be trained for minutes.
STOP_SECONDS = 5.0
commands = typer.Typer(help="A candidate read beside the live assistant.", no_args_is_help=True)


def start_shadow(settings: Settings, assistant: Assistant) -> Shadow | None:
    """Have every later turn compared with the candidate of the settings; None without one."""
    if not settings.shadow:
        return None
    encoder, city = assistant.understanding.encoder, find_city(settings.city, settings.data_dir)
    shadow = Shadow(
        lambda: load_candidate(settings.shadow, encoder, city, settings.data_dir),
        assistant.retriever,
        settings.data_dir / FILE,
        assistant.clock,
        lambda result: metrics.SHADOW.labels(result).inc(),
    )
    assistant.watchers.append(shadow.take)
    return shadow


@commands.callback()
def shadow() -> None:
    """A candidate read beside the live assistant: set CHENGDA_SHADOW and serve."""


@commands.command()
def report(
    top: Annotated[int, typer.Option(help="How many kinds of disagreement to list for each aspect.", min=1)] = 15,
) -> None:
    """Print where live assistant and candidate disagreed, most frequent first."""
    path = Settings().data_dir / FILE
    rows = read_disagreements(path)
    console = Console()
    console.print(f"{path}: {len(rows)} turns with a disagreement", highlight=False)
    for aspect in ASPECTS:
        console.print(disagreement_table(rows, aspect, top))


def read_disagreements(path: Path) -> list[dict[str, Any]]:
    """The lines of the file; none where there is no file."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def disagreement_table(rows: Sequence[dict[str, Any]], aspect: str, top: int) -> Table:
    """What the live one said, what the candidate would have, how often, and a few of the texts."""
    own = [row for row in rows if aspect in row["differs"]]
    counts = Counter((str(row["live"][aspect]), str(row["other"][aspect])) for row in own)
    table = Table("live", "candidate", "times", "for example", title=f"{aspect}: {len(own)}")
    for (live, other), count in counts.most_common(top):
        texts = [row["text"] for row in own if (row["live"][aspect], row["other"][aspect]) == (live, other)]
        table.add_row(live, other, str(count), "\n".join(dict.fromkeys(texts[:EXAMPLES])))
    return table
