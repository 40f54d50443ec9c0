"""Test stories of Rasa projects: the same figures, files and failures as `rasa test` of Rasa 3.6.21.

`make test` compares with what Rasa wrote once (tests/fixtures/rasa); `-m rasa` lets it do it anew.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain import read_domain
from bot.rasa.assembly import check, prepare
from bot.rasa.classification import classification, with_confusions
from bot.rasa.processor import Processor
from bot.rasa.project import Project, read_project, read_tests
from bot.rasa.refusals import Findings
from bot.rasa.story_play import TRIPPED, StoryResult, play
from bot.rasa.story_report import action_report, failed_yaml, intent_report, passed_yaml, summary, warnings_yaml
from bot.rasa.training_trackers import training_trackers
from connectors.rasa.product_talker import product_names
from connectors.rasa.trials import NO_PROJECT, Place, gather
from tests.rasa_replay import FOLDER, PROJECTS, Recorded
from tests.test_rasa_projects import rasa_environment

CAPTURE = Path(__file__).with_name("rasa_story_capture.py")
CAPTURED = "captured_stories.json"
DEMO = FOLDER / "demo"


def ready(folder: Path, parsed: Mapping[str, dict[str, Any]]) -> tuple[Project, Processor]:
    """A project with the readings of texts that are given."""
    project = read_project(folder)
    return project, prepare(project, check(project), Recorded(dict(parsed)))


def played(folder: Path, parsed: Mapping[str, dict[str, Any]], e2e: bool = True) -> list[StoryResult]:
    """The results of a project's test stories."""
    project, processor = ready(folder, parsed)
    told = training_trackers(read_tests(project)[0], (), project.domain)
    return [play(one, processor, e2e) for one in told]


def rasas(name: str) -> dict[str, dict[str, Any]]:
    """What Rasa understood of the texts of a project's captured conversations."""
    told = json.loads((FOLDER / name / "captured.json").read_text(encoding="utf-8"))
    return {turn["message"]: turn["parsed"] for one in told for turn in one["turns"] if "parsed" in turn}


def different(folder: Path, captured: Path) -> list[str]:
    """Where our results and Rasa's are not the same."""
    told = json.loads(captured.read_text(encoding="utf-8"))
    wrong = []
    for kind, e2e in (("e2e", True), ("plain", False)):
        theirs, results = told[kind], played(folder, told["parsed"], e2e)
        steps = [step for result in results for step in result.steps]
        ours = {
            "story_report.json": rounded(action_report(results)),
            "failed_test_stories.yml": failed_yaml(results, source),
            "successful_test_stories.yml": passed_yaml(results, source),
            "stories_with_warnings.yml": warnings_yaml(results),
        }
        theirs["written"]["story_report.json"] = rounded(theirs["written"]["story_report.json"])
        for name, content in ours.items():
            if blocks(content) != blocks(theirs["written"][name]):
                wrong.append(f"{kind} {name}:\nours\n{content}\nRasa's\n{theirs['written'][name]}")
        pairs = Counter((step.expected, step.found) for step in steps)
        if pairs != Counter((one["action"], one["predicted"]) for one in theirs["actions"]):
            wrong.append(f"{kind}: {pairs}")
    return wrong


def blocks(content: Any) -> Any:
    """The stories of a file in an order of their own: Rasa's follows the names it gives to steps while it trains."""
    return sorted(content.strip().split("\n- story: ")) if isinstance(content, str) else content


def source(result: StoryResult) -> str:
    """The file as Rasa was given it."""
    return "/".join(result.file.parts[-2:])


def rounded(report: Any) -> Any:
    """Figures to the last digits but some."""
    if isinstance(report, dict):
        return {key: rounded(value) for key, value in report.items()}
    return round(report, 9) if isinstance(report, float) else report


def test_the_files_are_those_of_rasa_test_core() -> None:
    """Captured from `rasa test core` of a project with a story that is wrong on purpose."""
    results = played(DEMO, {}, e2e=False)
    assert failed_yaml(results, source) == (DEMO / "failed_test_stories.yml").read_text(encoding="utf-8")
    assert action_report(results) == json.loads((DEMO / "story_report.json").read_text(encoding="utf-8"))
    figures = summary(results)
    assert (figures.passed, figures.stories, figures.right_actions, figures.actions) == (1, 2, 2, 4)
    assert (figures.accuracy, round(figures.f1, 3), figures.precision) == (0.5, 0.667, 1.0)


def test_the_intent_report_is_that_of_rasa_test_nlu() -> None:
    project = read_project(DEMO)
    pairs = [(example.intent, example.intent) for example in project.training.examples]
    assert intent_report(pairs) == json.loads((DEMO / "intent_report.json").read_text(encoding="utf-8"))


def test_confusions_and_figures_with_nothing_to_divide_by() -> None:
    told, found = ["a", "a", "a", "b", "c"], ["a", "b", "b", "c", ""]
    report = with_confusions(classification(told, found), told, found)
    assert report["a"]["confused_with"] == {"b": 2}
    assert (report["c"]["precision"], report["c"]["recall"], report["c"]["f1-score"]) == (0.0, 0.0, 0.0)
    assert report["accuracy"] == 0.2
    assert report["micro avg"] == {"precision": 0.25, "recall": 0.2, "f1-score": 2 / 9, "support": 5}
    assert classification([], []) == {}


@pytest.mark.parametrize("name", [name for name in PROJECTS if (FOLDER / name / CAPTURED).exists()])
def test_as_rasa_tested(name: str) -> None:
    assert not different(FOLDER / name, FOLDER / name / CAPTURED)


@pytest.mark.rasa
@pytest.mark.retrains
@pytest.mark.parametrize("name", PROJECTS)
def test_as_rasa_tests(name: str, tmp_path: Path) -> None:
    project, output = tmp_path / name, tmp_path / CAPTURED
    shutil.copytree(FOLDER / name, project)
    python = rasa_environment() / "bin" / "python"
    command = [str(python), str(CAPTURE), str(project), str(output)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
    assert output.exists(), done.stderr[-2000:]
    assert not different(project, output)


def found_of(results: list[StoryResult], name: str) -> list[str]:
    """What was foretold in a story."""
    return [step.found for result in results for step in result.steps if result.name == name]


def test_what_a_story_tells_is_followed() -> None:
    results = played(FOLDER / "library", rasas("library"))
    passed = {result.name: result.passed for result in results}
    assert passed["liked, and the hours"]
    assert not passed["a wrong answer, and a wrong reading"]
    wrong = next(result for result in results if not result.passed and "reading" in result.name)
    assert [(turn.intent, turn.found) for turn in wrong.turns if not turn.passed] == [("liked_book", "disliked_book")]
    text = failed_yaml(results, source)
    assert "  - intent: liked_book  # predicted: disliked_book: a dull book\n" in text
    assert "- story: a wrong answer, and a wrong reading (tests/test_stories.yml)\n" in text
    assert found_of(results, "far too many actions").count(TRIPPED) == 3


def test_a_form_that_is_foretold_gives_way_to_what_is_told() -> None:
    results = played(FOLDER / "permits", rasas("permits"))
    passed = {result.name: result.passed for result in results}
    assert passed["stopped after a doubt"]
    assert passed["a form from end to end"]
    # The two ways of an `or` are two conversations of one name.
    assert [result.name for result in results].count("asked within, and the form comes back") == 2
    entity = next(result for result in results if result.name == "an entity that is another")
    assert not entity.turns[0].entities_passed
    assert "    - plate: Elm Road  # predicted: street: Elm Road\n" in failed_yaml([entity], source)


def test_retrieval_intents_by_their_key() -> None:
    results = played(FOLDER / "travel", rasas("travel"))
    passed = {result.name: result.passed for result in results}
    assert passed["the answer by its intent"]
    # It tells the same as the one by its intent, so Rasa plays one of the two; by its name it is found.
    assert "the answer by its key" not in passed
    file, domain = FOLDER / "travel" / "tests" / "test_stories.yml", read_project(FOLDER / "travel").domain
    (named,) = gather([Place(file, "the answer by its key")], domain, Findings()).stories
    assert named.name == "the answer by its key"
    assert found_of(results, "the answer by its key and name")[0] == "utter_faq/ask_refund"
    other = next(result for result in results if result.name == "another key than that")
    assert (other.turns[0].intent, other.turns[0].found) == ("faq/ask_refund", "faq/ask_dogs")
    assert "greeted first > to Bern" in passed


def test_a_story_that_begins_with_an_action_has_its_lines(tmp_path: Path) -> None:
    file = tmp_path / "test_first.yml"
    steps = "  - action: utter_hours\n  - user: hello\n    intent: greet\n  - action: utter_hello\n"
    file.write_text(f"stories:\n- story: an action first\n  steps:\n{steps}", encoding="utf-8")
    domain = read_project(FOLDER / "library").domain
    (told,) = gather([Place(file)], domain, Findings()).stories
    result = play(told, ready(FOLDER / "library", rasas("library"))[1], e2e=False)
    assert (result.file, result.line) == (file, 4)
    assert [(step.expected, step.line) for step in result.steps] == [
        ("action_listen", 4), ("utter_hello", 7), ("action_listen", 7),
    ]  # fmt: skip


def test_a_name_of_several_lines_stands_in_one() -> None:
    result = replace(played(DEMO, {}, e2e=False)[0], name="multi\nline")
    assert '- story: "multi\\nline (tests/test_stories.yml)"\n' in failed_yaml([result], source) + passed_yaml(
        [result], source
    )


def test_lines_lead_to_the_steps() -> None:
    results = played(FOLDER / "library", rasas("library"))
    text = (FOLDER / "library" / "tests" / "test_stories.yml").read_text(encoding="utf-8").splitlines()
    for result in results:
        for step in result.steps:
            if step.expected != "action_listen":
                assert text[step.line - 1].strip().removeprefix("- ") == f"action: {step.expected}"


def test_end_to_end_training_in_test_stories_is_refused_by_line(tmp_path: Path) -> None:
    file = tmp_path / "test_words.yml"
    steps = "  - user: hello\n  - bot: Welcome.\n"
    file.write_text(f"stories:\n- story: words alone\n  steps:\n{steps}", encoding="utf-8")
    findings = Findings()
    gather([Place(file)], read_project(FOLDER / "library").domain, findings)
    assert [(remark.line, "end-to-end" in remark.problem) for remark in findings.refused] == [(4, True), (5, True)]


def test_a_test_by_its_name() -> None:
    domain = read_project(FOLDER / "travel").domain
    findings = Findings()
    file = FOLDER / "travel" / "tests" / "test_stories.yml"
    assert [one.name for one in gather([Place(file, "to Bern")], domain, findings).stories] == [
        "greeted first > to Bern"
    ]
    assert not findings.refused
    gather([Place(file, "to Zürich")], domain, findings)
    gather([Place(file)], product_names(read_domain()), findings)
    gather([Place(file.with_name("none.yml"))], domain, findings)
    assert not gather([Place(FOLDER / "understood_en")], domain, nothing := Findings()).stories
    assert [remark.problem for remark in nothing.refused] == ["no tests are here 此处没有测试"]
    assert [remark.problem for remark in findings.refused] == [
        "no test is called `to Zürich` 没有此名的测试",
        NO_PROJECT,
        "the file is missing 文件不存在",
    ]
