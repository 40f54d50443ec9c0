"""What most commands begin with: models and assistant, made under a progress bar."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bot.assistant import Assistant
from bot.build import build_assistant
from bot.settings import Settings
from bot.training import STEPS, Models, load_or_train
from connectors.live.connect import live_desk
from knowledge.city import find_city

console = Console(stderr=True)
STEP_NAMES = {
    "encoder": "loading the encoder 载入编码器",
    "texts": "reading texts 读取文本",
    "vectors": "vectors 向量",
    "words": "words 词项",
    "head": "training search 训练检索",
    "intents": "training intents 训练意图",
    "safety": "training safety 训练安全",
    "demands": "training demands 训练诉求",
    "split": "training the splitting 训练拆分",
    "paths": "training guided paths 训练办事路径",
    "database": "database 数据库",
}
T = TypeVar("T")


def _under_a_bar(make: Callable[[Callable[[str], None]], T]) -> T:
    """What is made, its steps shown in a progress bar."""
    columns = (SpinnerColumn(), TextColumn("{task.description:<32}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("starting 启动", total=len(STEPS) + 1)

        def show(step: str) -> None:
            done = [*STEPS, "database"].index(step)
            bar.update(task, completed=done, description=STEP_NAMES[step])

        made = make(show)
        bar.update(task, completed=len(STEPS) + 1, description="ready 就绪")
    return made


def prepared(settings: Settings) -> Assistant:
    """The assistant, built under a progress bar."""
    return _under_a_bar(lambda show: build_assistant(settings, show, live_desk(settings)))


def apart(settings: Settings) -> Settings:
    """The settings with a database in memory, so that measuring leaves no conversation behind."""
    return settings.model_copy(update={"database_url": "sqlite://"})


def trained(settings: Settings) -> Models:
    """The models alone, trained under a progress bar where they must be."""
    city = find_city(settings.city, settings.data_dir)
    learned = settings.effective_learned_dir
    return _under_a_bar(lambda show: load_or_train(settings.data_dir, settings.encoder, show, city, learned))
