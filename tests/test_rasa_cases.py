"""End-to-end test cases: read, held with a project and with our own product, and reported."""

from __future__ import annotations

from pathlib import Path

import pytest
from defusedxml import ElementTree
from typer.testing import CliRunner

from bot.rasa.assembly import check, prepare
from bot.rasa.case_play import ProjectTalker, hold
from bot.rasa.case_reader import Case, read_cases
from bot.rasa.project import read_project
from bot.rasa.refusals import Findings, Source
from bot.settings import Settings
from bot.training import Models
from connectors.cli import app
from connectors.junit import JunitCase, JunitSuite, junit_xml
from connectors.rasa.comparison import Stage
from connectors.rasa.product_talker import ProductTalker
from connectors.rasa.trial_report import junit_of
from connectors.rasa.trials import Place, Trial, gather, run
from tests.rasa_replay import FOLDER, Recorded
from tests.test_rasa_stories import rasas

OWN = Path(__file__).with_name("e2e")


def cases_of(folder: Path, text: str) -> tuple[tuple[Case, ...], Findings]:
    """The cases of a text, and what was found wrong."""
    file, findings = folder / "e2e_test_cases.yml", Findings()
    file.write_text(text, encoding="utf-8")
    return read_cases(Source(file, findings)), findings


def talker_of(name: str) -> ProjectTalker:
    """A fixture project with the readings that Rasa gave."""
    project = read_project(FOLDER / name)
    return ProjectTalker(prepare(project, check(project), Recorded(rasas(name))))


TRAVEL = """
fixtures:
- going:
  - destination: Bern
- a_member:
  - member: true
test_cases:
- test_case: thanked, with a place to go
  fixtures: [going, a_member]
  steps:
  - user: /thank
  - utter: utter_thank
  - bot: You are welcome.
  - user: /greet
    assertions:
    - action_executed: utter_greet
    - bot_uttered: {utter_name: utter_greet, text_matches: "^Hello, m.mber"}
    - slot_was_not_set: [{name: destination}]
- test_case: booked
  steps:
  - user: /greet
  - user: /travel
    assertions:
    - bot_uttered:
        text_matches: Where to
        buttons: [{title: Bern}, {title: Basel, payload: '/travel{"city": "Basel"}'}]
    - bot_did_not_utter: {utter_name: utter_booked}
  - user: '/tell_mood{"mood": "glad"}'
  - slot_was_set: [mood]
  - slot_was_set: [{mood: glad}]
  - slot_was_not_set: [{mood: sad}]
"""


def test_cases_held_with_a_project(tmp_path: Path) -> None:
    cases, findings = cases_of(tmp_path, TRAVEL)
    assert not findings.refused
    talker = talker_of("travel")
    for case in cases:
        assert not hold(case, talker).failures


WRONG = """test_cases:
- test_case: wrong in every way
  steps:
  - user: /greet
    assertions:
    - action_executed: utter_thank
    - slot_was_set: [{name: mood, value: glad}]
    - slot_was_not_set: [{name: mood}]
    - bot_uttered: {utter_name: utter_thank}
    - bot_uttered: {text_matches: Goodbye}
    - bot_uttered: {text_matches: Hello, buttons: [{title: Bern}]}
    - bot_did_not_utter: {text_matches: Hello}
  - bot: Hello, stranger.
  - user: /thank
  - utter: utter_never_reached
- test_case: out of order
  steps:
  - user: '/tell_mood{"mood": "glad"}'
    assertion_order_enabled: true
    assertions:
    - action_executed: utter_mood
    - slot_was_set: [{name: mood}]
"""


def test_failures_tell_line_expectation_and_what_came(tmp_path: Path) -> None:
    cases, _ = cases_of(tmp_path, WRONG)
    talker = talker_of("travel")
    failures = hold(cases[0], talker).failures
    assert [(one.line, one.expected, one.found) for one in failures] == [
        (6, "action_executed: utter_thank", "utter_greet"),
        (7, "slot_was_set: mood = 'glad'", "nothing"),
        (9, "utter: utter_thank", "(utter_greet) Hello."),
        (10, "text_matches: Goodbye", "(utter_greet) Hello."),
        (11, "text_matches: Hello, buttons: [{'title': 'Bern'}]", "(utter_greet) Hello."),
        (12, "not text_matches: Hello", "(utter_greet) Hello."),
        (13, "bot: Hello, stranger.", "(utter_greet) Hello."),
    ]
    assert [one.expected for one in hold(cases[1], talker).failures] == ["slot_was_set: mood"]


REFUSED = """stub_custom_actions: {}
fixtures: [premium]
test_cases:
- steps: []
- test_case: without a beginning
  fixtures: [unknown]
  metadata: unknown
  flows: [x]
  steps:
  - utter: utter_greet
  - user: hello
    assertions:
    - flow_started: a_flow
    - generative_response_is_relevant: {threshold: 0.9}
    - bot_uttered: {text_matches: "("}
    - bot_uttered: {}
    - slot_was_set: [destination]
    - pattern_clarification_contains: [a]
    - action_ran: x
  - said: hello
"""


def test_what_is_not_read_is_refused_by_name_and_line(tmp_path: Path) -> None:
    _, findings = cases_of(tmp_path, REFUSED)
    told = {remark.line: remark.problem for remark in findings.refused}
    assert "`stub_custom_actions`" in told[1]
    assert told[2] == "an entry of `fixtures` is `name: …`"
    assert told[4] == "a `test_case` needs a name"
    assert told[6] == "no fixture is called `unknown`"
    assert told[7] == "no metadata are called `unknown`"
    assert told[8] == "`flows` is not supported"
    assert told[10] == "a case begins with a `user` step"
    assert "`flow_started` is of flows" in told[13]
    assert "`generative_response_is_relevant` is of flows" in told[14]
    assert "is broken" in told[15]
    assert "names one of" in told[16]
    assert told[17] == "'destination' is no mapping" or "needs a `name`" in told[17]
    assert "`pattern_clarification_contains` is of flows" in told[18]
    assert told[19] == "`action_ran` is not supported"
    assert told[20] == "`said` is not supported"


def test_junit_has_file_and_line_and_is_xml_whatever_is_said() -> None:
    case = JunitCase("a \x00 <b>", "tests/x.yml", 7, 0.25, ("tests/x.yml:9: got \x1b[0m & more\nand a line",))
    text = junit_xml([JunitSuite("tests/x.yml", (case, JunitCase("好", "tests/x.yml", 20, 0.5)))])
    root = ElementTree.fromstring(text)
    assert (root.get("tests"), root.get("failures"), root.get("time")) == ("2", "1", "0.750")
    first, second = root.iter("testcase")
    assert (first.get("file"), first.get("line"), second.get("line")) == ("tests/x.yml", "7", "20")
    assert [failure.get("message") for failure in root.iter("failure")] == ["tests/x.yml:9: got \ufffd[0m & more"]
    assert second.get("name") == "好"


def test_our_own_product_holds_its_cases(models: Models, settings: Settings, tmp_path: Path) -> None:
    findings = Findings()
    chosen = gather([Place(OWN)], None, findings)
    assert not findings.refused
    assert len(chosen.cases) >= 12
    assert sum(case.name.isascii() for case in chosen.cases) >= 6
    stage = Stage(models, settings, tmp_path / "stage")
    heard: list[Trial] = []
    trials = run(chosen, None, ProductTalker(stage), True, heard.append)
    stage.assistant.store.engine.dispose()
    assert heard == trials
    assert {trial.name: trial.faults for trial in trials if trial.faults} == {}
    assert junit_of(trials, OWN.parents[1]).count('file="tests/e2e/') == len(trials)


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stories fail the command only where it is asked for; its files are Rasa's."""
    monkeypatch.setenv("CHENGDA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    out, xml = tmp_path / "results", tmp_path / "junit.xml"
    ask = ["test", str(FOLDER / "library"), "--out", str(out), "--junit-xml", str(xml), "--successes"]
    done = CliRunner().invoke(app, ask)
    assert done.exit_code == 0, done.output
    assert "CONVERSATION level" in done.output and "ACTION level" in done.output
    assert "tests/test_stories.yml:15: a wrong answer, and a wrong reading" in done.output
    assert "failed 未通过" in done.output
    assert {file.name for file in out.iterdir()} == {
        "story_report.json", "failed_test_stories.yml", "stories_with_warnings.yml", "successful_test_stories.yml",
    }  # fmt: skip
    assert ElementTree.parse(xml).getroot().get("tests") == "5"
    assert CliRunner().invoke(app, [*ask, "--fail-on-prediction-errors"]).exit_code == 1
    one = f"{FOLDER / 'library'}/tests/test_stories.yml::liked, and the hours"
    assert CliRunner().invoke(app, ["test", str(FOLDER / "library"), one, "--fail-on-prediction-errors"]).exit_code == 0
    (tmp_path / "cases.yml").write_text(WRONG, encoding="utf-8")
    failed = CliRunner().invoke(app, ["test", str(FOLDER / "library"), f"{tmp_path}/cases.yml::out of order"])
    assert failed.exit_code == 1
    assert "expected 期望: action_executed: utter_mood" in failed.output
    refused = CliRunner().invoke(app, ["test", str(tmp_path / "none.yml")])
    assert refused.exit_code == 1 and "the file is missing" in refused.output
