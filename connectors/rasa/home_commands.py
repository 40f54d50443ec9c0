"""`chengda rasa python|environment|conversations`: our project on a real Rasa."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from bot.settings import Settings
from bot.training import load_or_train
from connectors.app import create_app
from connectors.rasa.comparison import Held, RasaEngine, Stage, compare
from connectors.rasa.environment import ROOT, find_python, make, rasa_of, run
from connectors.rasa.processes import ended_in_order, free_port, rasa_running, serving
from connectors.rasa.rehearsed import Conversation, read_conversations
from knowledge.city import find_city

LEAST_SAME = 0.95
MAX_LINE = 60
CONFIG = ROOT / "bot" / "config.yml"
console = Console(stderr=True)
Environment = Annotated[
    Path | None,
    typer.Option(envvar="CHENGDA_RASA_ENV", help="Environment with Rasa; `rasa-env` in the data folder unless given."),
]


def python() -> None:
    """Print the Python 3.10 that Rasa would run on; fails where there is none."""
    print(find_python())


def environment(folder: Environment = None) -> None:
    """Make the environment with Rasa 3.6 unless it is there."""
    settings = Settings()
    print(_made(settings, folder))


def conversations(
    folder: Environment = None,
    tests: Annotated[Path, typer.Option(help="Folder of conversations.")] = ROOT / "tests" / "conversations",
    only: Annotated[str, typer.Option(help="Hold only conversations whose file or name contains this.")] = "",
    least: Annotated[float, typer.Option(help="Least share of conversations that must end alike.")] = LEAST_SAME,
    train_again: Annotated[bool, typer.Option("--train/--no-train", help="Train the project first.")] = True,
) -> None:
    """Hold the project's conversations on our engine and on Rasa, and print the outcomes side by side."""
    settings = Settings()
    with ended_in_order():
        program_folder = _made(settings, folder)
        model = _trained(settings, program_folder, CONFIG) if train_again else _model(settings)
        wanted = [one for one in read_conversations(tests) if only in f"{one.file}: {one.name}"]
        began = time.monotonic()
        held, figures = _held(settings, program_folder, model, wanted)
    _print(held)
    same = sum(one.same for one in held)
    pairs = [pair for one in held for pair in zip(one.ours, one.theirs, strict=True)]
    turns = sum(ours == theirs for ours, theirs in pairs)
    share = same / max(len(held), 1)
    print(f"conversations alike: {same} of {len(held)} ({share:.1%})")
    print(f"turns alike: {turns} of {len(pairs)} ({turns / max(len(pairs), 1):.1%})")
    print(f"{figures}; conversations on both engines: {time.monotonic() - began:.0f} s")
    if share < least:
        raise typer.Exit(1)


def register(commands: typer.Typer) -> None:
    """Add the commands of this file."""
    for command in (python, environment, conversations):
        commands.command()(command)


def _data(settings: Settings) -> Path:
    return settings.data_dir.resolve()


def _model(settings: Settings) -> Path:
    return _data(settings) / "rasa" / "chengda.tar.gz"


def _made(settings: Settings, folder: Path | None) -> Path:
    """The environment, made where it is missing."""
    folder = (folder or _data(settings) / "rasa-env").absolute()
    with _line("Rasa's environment Rasa 环境") as tell:
        make(folder, _data(settings) / "rasa" / "install.log", tell)
    return folder


def rasa_variables(settings: Settings, **more: str) -> dict[str, str]:
    """The environment variables of a Rasa that leaves nothing behind outside the data folder and tells nobody."""
    cache = str(_data(settings) / "rasa" / "cache")
    return {**os.environ, "RASA_TELEMETRY_ENABLED": "false", "RASA_CACHE_DIRECTORY": cache, **more}


def _trained(settings: Settings, folder: Path, config: Path) -> Path:
    """The project trained by Rasa."""
    model = _model(settings)
    command = (
        str(rasa_of(folder)), "train", "--domain", str(ROOT / "bot" / "domain.yml"), "--config", str(config),
        "--data", str(ROOT / "nlu_data"), "--out", str(model.parent), "--fixed-model-name", model.name.split(".")[0],
    )  # fmt: skip
    began = time.monotonic()
    with _line("Rasa trains bot/ + nlu_data/ 训练") as tell:
        run(command, model.parent / "train.log", tell, rasa_variables(settings))
    console.print(f"trained in {time.monotonic() - began:.0f} s")
    return model


def _held(settings: Settings, folder: Path, model: Path, wanted: list[Conversation]) -> tuple[tuple[Held, ...], str]:
    """The conversations on both engines, everything started for it and ended after it; and what it took."""
    models = load_or_train(settings.data_dir, settings.encoder, city=find_city(settings.city, settings.data_dir))
    quiet = {"sweep_seconds": 0.0, "rate_limit": 0, "reload_seconds": 0.0, "rasa_token": SecretStr("")}
    apart = settings.model_copy(update=quiet)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        ours, theirs = Stage(models, apart, place / "ours"), Stage(models, apart, place / "theirs")
        theirs.clear()
        port = free_port()
        with serving(create_app(apart, theirs.assistant), port) as url:
            endpoints = place / "endpoints.yml"
            endpoints.write_text(
                (ROOT / "bot" / "endpoints.yml").read_text(encoding="utf-8").replace("http://127.0.0.1:8311", url),
                encoding="utf-8",
            )
            credentials = ROOT / "bot" / "credentials.yml"
            log = model.parent / "run.log"
            variables = rasa_variables(settings, CHENGDA_URL=url)
            console.print("starting Rasa 启动 Rasa …")
            with rasa_running(rasa_of(folder), model, endpoints, credentials, variables, log) as rasa:
                console.print(f"Rasa serves after {rasa.started_in:.0f} s")
                with _bar(len(wanted)) as step, RasaEngine(rasa.url, theirs.assistant.domain) as engine:
                    held = compare(wanted, ours, theirs, engine, step)
                figures = f"Rasa: start-up {rasa.started_in:.0f} s, memory {rasa.megabytes} MB"
    return held, figures


def _print(held: tuple[Held, ...]) -> None:
    """The table; outcomes of one conversation in a line, only those that differ where they do."""
    table = Table("conversation 对话", "our engine 自有引擎", "Rasa", "same 一致")
    for one in held:
        name = f"{one.conversation.file}: {one.conversation.name}"
        table.add_row(name, " ".join(one.ours), " ".join(one.theirs), "yes" if one.same else "NO")
    Console(width=200).print(table)


@contextmanager
def _line(title: str) -> Iterator[Callable[[str], None]]:
    """A line that shows how long something takes and what it says last."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[last]}"),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=None, last="")
        yield lambda text: bar.update(task, last=text[:MAX_LINE].replace("[", "("))


@contextmanager
def _bar(total: int) -> Iterator[Callable[[Held], None]]:
    columns = (
        SpinnerColumn(),
        TextColumn("conversations 对话"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("conversations", total=total)
        began, files = time.monotonic(), set[str]()

        def step(held: Held) -> None:
            bar.advance(task)
            # A log shows no bar: a line for each new file.
            if not console.is_terminal and held.conversation.file not in files:
                files.add(held.conversation.file)
                print(f"{time.monotonic() - began:5.0f} s  {held.conversation.file}", flush=True)

        yield step
