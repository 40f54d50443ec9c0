"""What `chengda test` prints and writes: Rasa's figures and files, the failures, JUnit XML."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from bot.rasa.story_play import StoryResult
from bot.rasa.story_report import action_report, failed_yaml, passed_yaml, summary, warnings_yaml
from connectors.junit import JunitCase, JunitSuite, junit_xml
from connectors.rasa.trials import Trial

REPORT = "story_report.json"
FAILED = "failed_test_stories.yml"
PASSED = "successful_test_stories.yml"
WARNINGS = "stories_with_warnings.yml"
INTENTS = "intent_report.json"


def shown(path: Path, folder: Path) -> str:
    """A path as it is printed and written: relative to the folder where it lies in it."""
    whole, base = path.resolve(), folder.resolve()
    return str(whole.relative_to(base) if whole.is_relative_to(base) else path)


def print_figures(console: Console, results: Sequence[StoryResult]) -> None:
    """The two blocks that Rasa prints of test stories."""
    figures = summary(results)
    accuracy = figures.passed / figures.stories if figures.stories else 0.0
    blocks: dict[str, dict[str, str]] = {
        "CONVERSATION level 对话层": {
            "Correct 正确": f"{figures.passed} / {figures.stories}",
            "Accuracy 准确率": f"{accuracy:.3f}",
        },
        "ACTION level 动作层": {
            "Correct 正确": f"{figures.right_actions} / {figures.actions}",
            "F1-Score": f"{figures.f1:.3f}",
            "Precision 精确率": f"{figures.precision:.3f}",
            "Accuracy 准确率": f"{figures.accuracy:.3f}",
            "In-data fraction 学过的占比": f"{figures.in_data:.3g}",
        },
    }
    for title, rows in blocks.items():
        _line(console, f"Evaluation Results on {title}:")
        for name, value in rows.items():
            _line(console, f"\t{name}: {value}")


def print_faults(console: Console, trials: Sequence[Trial], folder: Path) -> None:
    """Every failure with its place, what was expected and what came."""
    failed = [trial for trial in trials if trial.failed]
    if failed:
        _line(console, "FAILURES 未通过")
    for trial in failed:
        _line(console, f"{shown(trial.file, folder)}:{trial.line}: {trial.name}")
        for fault in trial.faults:
            _line(console, f"  line 行 {fault.line}  {fault.said}")
            _line(console, f"    expected 期望: {fault.expected}")
            _line(console, f"    got 实际:      {fault.found}")
        for problem in trial.broken:
            _line(console, f"  broken 出错: {problem}")


def print_count(console: Console, trials: Sequence[Trial]) -> None:
    """The last line."""
    failed = sum(trial.failed for trial in trials)
    seconds = sum(trial.seconds for trial in trials)
    told = f"{failed} failed 未通过, {len(trials) - failed} passed 通过 in {seconds:.1f} s"
    console.print(told, style="red" if failed else "green", highlight=False)


def write_stories(out: Path, results: Sequence[StoryResult], folder: Path, successes: bool) -> list[Path]:
    """Rasa's files of test stories; gives those written."""
    out.mkdir(parents=True, exist_ok=True)

    def source(result: StoryResult) -> str:
        return shown(result.file, folder)

    texts = {
        REPORT: json.dumps(action_report(results), ensure_ascii=False, indent=2),
        FAILED: failed_yaml(results, source),
        WARNINGS: warnings_yaml(results),
    }
    if successes:
        texts[PASSED] = passed_yaml(results, source)
    for name, text in texts.items():
        (out / name).write_text(text, encoding="utf-8")
    return [out / name for name in texts]


def junit_of(trials: Sequence[Trial], folder: Path, began: datetime) -> str:
    """All tests of a run as JUnit XML, a suite for each file."""
    suites = []
    for file, here in groupby(sorted(trials, key=lambda trial: str(trial.file)), key=lambda trial: trial.file):
        name = shown(file, folder)
        cases = (
            JunitCase(
                label,
                trial.seconds,
                tuple(f"{name}:{one.line}: expected {one.expected}, got {one.found}" for one in trial.faults),
                trial.broken,
            )
            for trial, label in _labelled(here)
        )
        suites.append(JunitSuite(name, tuple(cases)))
    return junit_xml(suites, began)


def _labelled(trials: Iterable[Trial]) -> Iterator[tuple[Trial, str]]:
    """Each trial of a file with a name that no other has: an `or` makes several of one name."""
    times: Counter[str] = Counter()
    for trial in trials:
        times[trial.name] += 1
        yield trial, trial.name if times[trial.name] == 1 else f"{trial.name} ({times[trial.name]})"


def _line(console: Console, text: str) -> None:
    console.print(escape(text), highlight=False, soft_wrap=True)
