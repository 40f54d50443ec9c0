"""Commands under `chengda train` that write a learnt file of the repository."""

from __future__ import annotations

from datetime import date

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from bot.settings import Settings
from knowledge.catalogue import read_catalogue
from knowledge.encoder import load_encoder
from knowledge.fusion import FUSION_FILE
from knowledge.queries import read_strangers, read_training_queries
from knowledge.train_fusion import STEPS, learn_fusion
from knowledge.trainer import RememberingEncoder

STEP_NAMES = {
    "first fold": "searching held-out authors 1/2 检索留出作者",
    "second fold": "searching held-out authors 2/2 检索留出作者",
    "weights": "weights of the arms 融合权重",
    "gate": "gate 门限",
}


def fusion() -> None:
    """Learn knowledge/fusion.json anew: fusion weights and gate, for the encoder of the settings."""
    loaded = load_encoder(Settings().encoder)
    encoder = RememberingEncoder(loaded, loaded.name)
    columns = (SpinnerColumn(), TextColumn("{task.description:<44}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("starting 启动", total=len(STEPS))

        def show(step: str) -> None:
            bar.update(task, completed=STEPS.index(step), description=STEP_NAMES[step])

        learnt = learn_fusion(read_catalogue(), read_training_queries(), read_strangers(), encoder, date.today(), show)
        bar.update(task, completed=len(STEPS), description="done 完成")
    learnt.save()
    table = Table("figure", "value", title=f"{FUSION_FILE.name}, encoder {learnt.encoder}")
    for name, value in (*learnt.lines.items(), *learnt.figures.items()):
        table.add_row(name, f"{value:.3f}" if isinstance(value, float) else str(value))
    Console().print(table)
