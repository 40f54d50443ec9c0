"""Commands under `chengda train` that write a learnt file of the repository."""

from __future__ import annotations

import importlib
from datetime import date
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from bot.settings import Settings
from knowledge.catalogue import read_catalogue
from knowledge.encoder import load_encoder
from knowledge.fusion import FUSION_FILE
from knowledge.queries import read_strangers, read_training_queries
from knowledge.trainer import RememberingEncoder

STEP_NAMES = {
    "first fold": "searching held-out authors 1/2 检索留出作者",
    "second fold": "searching held-out authors 2/2 检索留出作者",
    "weights": "weights of the arms 融合权重",
    "gate": "gate 门限",
}


def fusion() -> None:
    """Learn knowledge/fusion.json anew: fusion weights and gate, for the encoder of the settings."""
    training: Any = importlib.import_module("knowledge.train_fusion")  # here, as no server needs scikit-learn
    loaded = load_encoder(Settings().encoder)
    encoder = RememberingEncoder(loaded, loaded.name)
    columns = (SpinnerColumn(), TextColumn("{task.description:<44}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("starting 启动", total=len(training.STEPS))

        def show(step: str) -> None:
            bar.update(task, completed=training.STEPS.index(step), description=STEP_NAMES[step])

        learnt = training.learn_fusion(
            read_catalogue(), read_training_queries(), read_strangers(), encoder, date.today(), show
        )
        bar.update(task, completed=len(training.STEPS), description="done 完成")
    learnt.save()
    table = Table("figure", "value", title=f"{FUSION_FILE.name}, encoder {learnt.encoder}")
    for name, value in (*learnt.lines.items(), *learnt.figures.items()):
        table.add_row(name, f"{value:.3f}" if isinstance(value, float) else str(value))
    Console().print(table)
