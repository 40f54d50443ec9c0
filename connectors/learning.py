"""Commands under `chengda train` that write a learnt file of the repository."""

from __future__ import annotations

import importlib
from datetime import date
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from bot.cases.alignment import words_of
from bot.cases.demand_heads import read_demands
from bot.cases.duplicates import WEIGHT_FILE as PAIR_FILE
from bot.cases.reports import ReportReader
from bot.cases.usual import count_usual, read_usual
from bot.cases.written_reports import LEARNT_FILES, read_written
from bot.follow_ups import asked_which, read_follow_ups
from bot.nlu.parse import Understanding
from bot.settings import Settings
from bot.subject import WEIGHT_FILE
from bot.subject_signs import Witnesses
from bot.training import load_or_train
from knowledge.catalogue import read_catalogue
from knowledge.encoder import load_encoder
from knowledge.facts import FactFinder
from knowledge.fusion import FUSION_FILE
from knowledge.queries import read_strangers, read_training_queries
from knowledge.retriever import Retriever
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


def subjects() -> None:
    """Learn bot/subject.json anew from nlu_data/follow_ups: what a message speaks of, given the conversation."""
    training: Any = importlib.import_module("bot.train_subject")
    settings = Settings()
    models = load_or_train(settings.data_dir, settings.encoder)
    retriever, facts = Retriever(models.catalogue, models.index), FactFinder(models.encoder, models.facts)
    witnesses = Witnesses(models.catalogue, retriever, facts, models.encoder)
    understanding = Understanding(models.encoder, models.intents, models.safety, models.city)
    written = read_follow_ups()
    follow_ups = (*written, *asked_which(written, models.catalogue))
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("signs 读取", total=len(follow_ups))
        lines = training.signs_of(follow_ups, understanding, witnesses, lambda: bar.advance(task))
    learnt = training.learn(lines, date.today())
    learnt.save()
    table = Table("lines", "right, %", title=f"{WEIGHT_FILE.name}: {learnt.lines} lines, each author held out in turn")
    for name, value in learnt.figures.items():
        table.add_row(name, f"{value:.1f}")
    Console().print(table)


def duplicates() -> None:
    """Learn bot/cases/duplicates.json anew from nlu_data/duplicates_*.jsonl: which reports tell of one event."""
    training: Any = importlib.import_module("bot.cases.train_duplicates")
    settings = Settings()
    models = load_or_train(settings.data_dir, settings.encoder)
    texts = [query.text for query in read_training_queries()] + [row["text"] for row in read_demands()]
    count_usual(texts, words_of).save()
    read_usual.cache_clear()
    written = read_written(*LEARNT_FILES)
    reader = ReportReader(models.encoder, models.demands, models.city)
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("reports 诉求", total=len(written))
        examples = training.examples_of(written, reader, lambda: bar.advance(task))
    learnt = training.learn(examples, models.encoder.name, date.today())
    learnt.save()
    table = Table("scenarios held out", "%", title=f"{PAIR_FILE.name}: {learnt.pairs} pairs of one scenario")
    for name, value in learnt.figures.items():
        table.add_row(name, f"{value:.1f}")
    table.add_row("threshold", f"{learnt.threshold:.3f}")
    Console().print(table)
