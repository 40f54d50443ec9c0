"""`chengda test`: test stories and end-to-end test cases, of a Rasa project or of our own product."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bot.domain import read_domain
from bot.errors import ChengdaError
from bot.rasa.case_play import ProjectTalker
from bot.rasa.processor import Processor
from bot.rasa.project import Layout
from bot.rasa.refusals import Findings, Remark, Source
from bot.rasa.story_report import intent_report
from bot.rasa.training_data import Example, read_training_data
from bot.settings import Settings
from connectors.preparation import trained
from connectors.rasa.comparison import Stage
from connectors.rasa.environment import ROOT
from connectors.rasa.product_talker import ProductTalker, product_names
from connectors.rasa.project_commands import (
    ConfigFile,
    DataFolder,
    DomainPlaces,
    layout_of,
    print_remarks,
    processor_of,
)
from connectors.rasa.trial_report import (
    INTENTS,
    junit_of,
    print_count,
    print_faults,
    print_figures,
    shown,
    write_stories,
)
from connectors.rasa.trials import Chosen, Place, Trial, gather, place_of, run
from knowledge.city import CityError
from knowledge.encoder import EncoderError
from knowledge.yaml_file import ContentError

# How the command ends where tests failed, and where there was nothing that could be tested.
FAILED, UNUSABLE = 1, 2
HELD_WITH_US = "no project is named, so the tests are held with this product 未写明项目目录，按本产品测试"
OWN_TESTS = ROOT / "tests" / "e2e"
console = Console()
beside = Console(stderr=True)


def run_tests(
    places: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DIR FILE[::NAME]",
            help="A Rasa project's folder, and files or folders of tests (`tests` in it unless named; `::NAME` chooses "
            "one test). Without a project the test cases are held with this product.",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the reports on test stories.")] = Path("results"),
    junit: Annotated[Path | None, typer.Option("--junit-xml", help="Write all results as JUnit XML here.")] = None,
    fail: Annotated[
        bool, typer.Option("--fail-on-prediction-errors", help="Exit with 1 when a test story fails, as Rasa does.")
    ] = False,
    e2e: Annotated[
        bool, typer.Option("--e2e/--no-e2e", help="Understand the words of test stories, or take their intents.")
    ] = True,
    successes: Annotated[bool, typer.Option("--successes", help="Also write the test stories that passed.")] = False,
    nlu: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Also measure intents on this NLU file.")
    ] = None,
    config: ConfigFile = "config.yml",
    domain: DomainPlaces = None,
    data: DataFolder = "data",
) -> None:
    """Run test stories and test cases; exit 1 when a test case fails, 2 when they cannot be run."""
    began = datetime.now(UTC)
    layout = layout_of(config, domain, data)
    folder, files = _split(places or [], layout)
    findings = Findings()
    processor = examples = None
    if folder is None:
        tests = gather(files or [Place(OWN_TESTS)], product_names(read_domain()), findings)
        if findings.refused:
            console.print(HELD_WITH_US, soft_wrap=True)
        _refuse(findings, Path())
        if nlu is not None:
            raise typer.BadParameter("needs a project 须写明项目目录", param_hint="--nlu")
        with _product() as talker:
            trials = _run(lambda tell: run(tests, None, talker, e2e, tell), tests)
    else:
        examples = _examples(nlu) if nlu is not None else None
        project, processor = processor_of(folder, layout, status=UNUSABLE)
        tests = gather(files or [Place(folder / layout.tests)], project.domain, findings)
        _refuse(findings, folder)
        trials = _run(lambda tell: run(tests, processor, ProjectTalker(processor), e2e, tell), tests)
    try:
        _report(trials, folder or Path(), out, successes, junit, began)
        if examples is not None and processor is not None:
            _measure(processor, examples, out)
    except OSError as error:
        console.print(escape(f"cannot be written 无法写入: {error.filename}: {error.strerror}"), soft_wrap=True)
        raise typer.Exit(UNUSABLE) from None
    if any(trial.failed and (fail or trial.story is None) for trial in trials):
        raise typer.Exit(FAILED)


def _split(places: Sequence[str], layout: Layout) -> tuple[Path | None, list[Place]]:
    """The project's folder where the first place is one, and the places of tests, those of the project first."""
    folder = Path(places[0]) if places and _is_project(Path(places[0]), layout) else None
    found = [place_of(text) for text in (places[1:] if folder else places)]
    if folder is not None:
        found = [Place(folder / one.path, one.name) if (folder / one.path).exists() else one for one in found]
    return folder, found


def _is_project(folder: Path, layout: Layout) -> bool:
    """Whether it has a config, or a domain (then the missing config is told)."""
    return any((folder / name).exists() for name in (layout.config, *(layout.domain or ("domain.yml", "domain"))))


def _refuse(findings: Findings, folder: Path) -> None:
    if findings.refused:
        print_remarks("refused 不支持", findings.refused, folder)
        raise typer.Exit(UNUSABLE)


@contextmanager
def _product() -> Iterator[ProductTalker]:
    """This product, with databases of its own that are gone afterwards."""
    settings = Settings()
    quiet = {"sweep_seconds": 0.0, "rate_limit": 0, "reload_seconds": 0.0, "rasa_token": SecretStr("")}
    try:
        models = trained(settings)
    except (ChengdaError, ContentError, CityError, EncoderError) as error:
        console.print(f"[red]error 出错[/red] {escape(str(error))}", highlight=False, soft_wrap=True)
        raise typer.Exit(UNUSABLE) from None
    with tempfile.TemporaryDirectory() as name:
        stage = Stage(models, settings.model_copy(update=quiet), Path(name) / "stage")
        yield ProductTalker(stage)
        stage.assistant.store.engine.dispose()


def _run(start: Callable[[Callable[[Trial], None]], list[Trial]], tests: Chosen) -> list[Trial]:
    """The tests under a progress bar."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=beside) as bar:
        task = bar.add_task("tests 测试", total=len(tests))
        return start(lambda trial: bar.advance(task))


def _examples(file: Path) -> Sequence[Example]:
    """The examples of an NLU file; a file that has none or is broken ends the command."""
    findings = Findings()
    examples = read_training_data(Source(file, findings)).examples
    if not examples:
        findings.refused.append(Remark("holds no examples 没有例句", file, None))
    _refuse(findings, Path())
    return examples


def _measure(processor: Processor, examples: Sequence[Example], out: Path) -> None:
    """How well the intents of examples are understood."""
    pairs = [(one.intent, (processor.parse(one.text).get("intent") or {}).get("name")) for one in examples]
    report = intent_report(pairs)
    out.mkdir(parents=True, exist_ok=True)
    (out / INTENTS).write_text(json.dumps(report, ensure_ascii=False, indent=2), encoding="utf-8")
    console.print(f"intents 意图: accuracy 准确率 {report.get('accuracy', 0.0):.3f} ({len(pairs)}); {out / INTENTS}")


def _report(trials: list[Trial], folder: Path, out: Path, successes: bool, junit: Path | None, began: datetime) -> None:
    results = [trial.story for trial in trials if trial.story is not None]
    if results:
        print_figures(console, results)
        written = write_stories(out, results, folder, successes)
        console.print("written 已写: " + ", ".join(map(str, written)), highlight=False, soft_wrap=True)
    print_faults(console, trials, folder)
    if junit is not None:
        junit.parent.mkdir(parents=True, exist_ok=True)
        junit.write_text(junit_of(trials, folder, began), encoding="utf-8")
        console.print(f"JUnit XML: {shown(junit, Path())}", highlight=False, soft_wrap=True)
    print_count(console, trials)
