"""End-to-end test cases: read, held with a project and with our own product, and reported."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from defusedxml import ElementTree
from typer.testing import CliRunner

from bot.domain import read_domain
from bot.rasa.assembly import check, prepare
from bot.rasa.case_play import ProjectTalker, hold
from bot.rasa.case_reader import Case, read_cases
from bot.rasa.events import Event
from bot.rasa.project import Layout, read_project
from bot.rasa.refusals import Findings, Source
from bot.settings import Settings
from bot.training import Models
from connectors.cli import app
from connectors.junit import JunitCase, JunitSuite, junit_xml
from connectors.rasa.comparison import Stage
from connectors.rasa.product_talker import ProductTalker, product_names
from connectors.rasa.trial_commands import _split
from connectors.rasa.trial_report import junit_of
from connectors.rasa.trials import Chosen, Place, Trial, gather, run
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
    assert [one.expected for one in hold(cases[1], talker).failures] == [
        "slot_was_set: mood, after 须在其后: action_executed: utter_mood"
    ]


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
    assert told[2].startswith("an entry of `fixtures` is `name: …`")
    assert told[4] == "a `test_case` needs a name 须有名称"
    assert told[6].startswith("no fixture is called `unknown`")
    assert told[7].startswith("no metadata are called `unknown`")
    assert told[8] == "`flows` is not supported 不支持"
    assert told[10].startswith("a case begins with a `user` step")
    assert "`flow_started` is of flows" in told[13]
    assert "`generative_response_is_relevant` is of flows" in told[14]
    assert "is broken" in told[15]
    assert "names one of" in told[16]
    assert "'destination' is no mapping" in told[17] or "needs a `name`" in told[17]
    assert "`pattern_clarification_contains` is of flows" in told[18]
    assert told[19].startswith("`action_ran` is not supported")
    assert told[20].startswith("`said` is not supported")


def test_junit_is_what_jenkins_checks_whatever_is_said() -> None:
    """By junit-10.xsd of Jenkins' xUnit plugin: no other element or attribute, counts of tests, one problem each."""
    wrong = JunitCase("a \x00 <b>", 0.25, ("tests/x.yml:9: got \x1b[0m & more\nand a line", "tests/x.yml:10: too"))
    broken = JunitCase("broken", 0.0, ("tests/x.yml:9: nothing",), ("action action_x failed: away",))
    suites = [JunitSuite("tests/x.yml", (wrong, broken)), JunitSuite("/tmp/好.yml", (JunitCase("好", 0.5),))]
    root = ElementTree.fromstring(junit_xml(suites, datetime(2026, 11, 27, 15, 0, tzinfo=UTC)))
    allowed = {
        "testsuites": {"name", "time", "tests", "failures", "errors"},
        "testsuite": {"name", "tests", "failures", "errors", "time", "skipped", "timestamp", "file"},
        "testcase": {"name", "time", "classname"},
        "failure": {"type", "message"},
        "error": {"type", "message"},
    }
    assert all(set(one.keys()) == allowed[one.tag] for one in root.iter())
    assert [[one.get(name) for name in ("tests", "failures", "errors", "time")] for one in (root, *root)] == [
        ["3", "1", "1", "0.750"], ["2", "1", "1", "0.250"], ["1", "0", "0", "0.500"],
    ]  # fmt: skip
    assert [one.get("classname") for one in root.iter("testcase")] == ["tests.x", "tests.x", "tmp.好"]
    assert [suite.get("timestamp") for suite in root] == ["2026-11-27T15:00:00"] * 2
    failure, error = next(root.iter("failure")), next(root.iter("error"))
    assert failure.get("message") == "tests/x.yml:9: got \ufffd[0m & more"
    assert str(failure.text).endswith("tests/x.yml:10: too")
    assert error.get("message") == "action action_x failed: away"
    assert str(error.text).endswith("\ntests/x.yml:9: nothing")


UNKNOWN = """fixtures:
- going: [{destinaton: Bern}]
test_cases:
- test_case: names that are not there
  fixtures: [going]
  steps:
  - user: /greet
    assertions:
    - action_executed: utter_greeet
    - slot_was_not_set: [{name: mod}]
    - bot_did_not_utter: {utter_name: utter_bookd}
  - utter: utter_faq/ask_dogs
  - utter: utter_greet
  - user:
  - slot_was_set: [{requested_slot: null}]
"""


def test_names_that_the_project_does_not_have_are_refused(tmp_path: Path) -> None:
    file, findings = tmp_path / "cases.yml", Findings()
    file.write_text(UNKNOWN, encoding="utf-8")
    gather([Place(file)], read_project(FOLDER / "travel").domain, findings)
    told = [(one.line, one.problem.partition(" is called ")[2].partition(" ")[0]) for one in findings.refused]
    assert told == [
        (14, ""), (4, "`destinaton`"), (9, "`utter_greeet`"), (10, "`mod`"), (11, "`utter_bookd`"),
        (15, "`requested_slot`"),
    ]  # fmt: skip


BROKEN = """test_cases:
- test_case: a form whose validation is away
  steps:
  - user: /greet
  - utter: utter_greet
  - user: /want_permit
  - utter: utter_ask_street
"""


def test_a_case_with_an_action_that_failed_is_an_error_and_no_failure(tmp_path: Path) -> None:
    (case,), _ = cases_of(tmp_path, BROKEN)
    (trial,) = run(Chosen((), (case,), ()), None, talker_of("permits"), True, lambda trial: None)
    assert trial.broken[0] == "action permit_form failed: no `action_endpoint` is set for validate_permit_form"
    root = ElementTree.fromstring(junit_of([trial], tmp_path, datetime.now(UTC)))
    assert (root.get("failures"), root.get("errors")) == ("0", "1")
    assert "e2e_test_cases.yml:7: expected utter: utter_ask_street" in str(next(root.iter("error")).text)


class Breaking:
    """A talker that breaks at its first case and has nothing to say in others."""

    begun = 0

    def begin(self, slots: Mapping[str, Any]) -> None:
        """Begin."""
        self.begun += 1

    def say(self, text: str, metadata: Mapping[str, Any]) -> tuple[Event, ...]:
        """Break in the first case."""
        if self.begun == 1:
            raise RuntimeError("the disk is full")
        return ()

    def broken(self) -> tuple[str, ...]:
        """Nothing is known."""
        return ()


def test_a_case_that_breaks_is_an_error_and_the_others_are_held(tmp_path: Path) -> None:
    cases, _ = cases_of(tmp_path, TRAVEL)
    trials = run(Chosen((), cases, ()), None, Breaking(), True, lambda trial: None)
    assert (trials[0].broken, trials[0].failed) == (("RuntimeError: the disk is full",), True)
    assert len(trials) == len(cases)
    root = ElementTree.fromstring(junit_of(trials, tmp_path, datetime.now(UTC)))
    assert root.get("errors") == "1"


def test_our_own_product_holds_its_cases(models: Models, settings: Settings, tmp_path: Path) -> None:
    findings = Findings()
    chosen = gather([Place(OWN)], product_names(read_domain()), findings)
    assert not findings.refused
    assert len(chosen.cases) >= 12
    assert sum(case.name.isascii() for case in chosen.cases) >= 6
    stage = Stage(models, settings, tmp_path / "stage")
    heard: list[Trial] = []
    trials = run(chosen, None, ProductTalker(stage), True, heard.append)
    stage.assistant.store.engine.dispose()
    assert heard == trials
    assert {trial.name: trial.faults for trial in trials if trial.faults} == {}
    assert junit_of(trials, OWN.parents[1], datetime.now(UTC)).count('classname="tests.e2e.') == len(trials)


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
    assert ElementTree.fromstring(xml.read_text(encoding="utf-8")).get("tests") == "5"
    assert CliRunner().invoke(app, [*ask, "--fail-on-prediction-errors"]).exit_code == 1
    one = f"{FOLDER / 'library'}/tests/test_stories.yml::liked, and the hours"
    assert CliRunner().invoke(app, ["test", str(FOLDER / "library"), one, "--fail-on-prediction-errors"]).exit_code == 0
    (tmp_path / "cases.yml").write_text(WRONG, encoding="utf-8")
    failed = CliRunner().invoke(app, ["test", str(FOLDER / "travel"), f"{tmp_path}/cases.yml::out of order"])
    assert failed.exit_code == 1
    assert "expected 期望: slot_was_set: mood, after 须在其后: action_executed: utter_mood" in failed.output


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "cases.yml: the file is missing 文件不存在"),
        ("test_cases:\n- test_case: [a\n", "cases.yml:3: not YAML 不是正确的 YAML: "),
        ("test_cases:\n- test_case: a\n  steps:\n  - say: hello\n", "cases.yml:4: `say` is not supported 不支持"),
        ("stories:\n- story: a\n  steps:\n  - intent: greet\n", "cases.yml:2: test stories need the folder"),
        ("nlu: []\n", "cases.yml:1: holds neither `stories` nor `test_cases`"),
    ],
)
def test_what_cannot_be_run_is_told_by_file_and_line_and_ends_with_2(
    text: str | None, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if text is not None:
        (tmp_path / "cases.yml").write_text(text, encoding="utf-8")
    done = CliRunner().invoke(app, ["test", "cases.yml"])
    assert (done.exit_code, told in done.output) == (2, True), done.output


def test_a_project_that_cannot_be_run_ends_with_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "domain.yml").write_text("intents: [greet]\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["test", "."])
    assert (done.exit_code, "config.yml" in done.output) == (2, True), done.output
    assert CliRunner().invoke(app, ["test", "--nlu", "none.yml"]).exit_code == 2
    library = FOLDER / "library"
    done = CliRunner().invoke(app, ["test", str(library), "--nlu", str(library / "config.yml")])
    assert (done.exit_code, "holds no examples" in done.output) == (2, True), done.output
    assert "Evaluation Results" not in done.output, "refused before a test is run"


def test_the_tests_of_the_project_come_before_those_of_this_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in (tmp_path, tmp_path / "project"):
        (folder / "tests").mkdir(parents=True)
    (tmp_path / "project" / "config.yml").touch()
    assert _split(["project", "tests::a"], Layout()) == (Path("project"), [Place(Path("project/tests"), "a")])
    (tmp_path / "here").mkdir()
    assert _split(["project", "here"], Layout())[1] == [Place(Path("here"))]


def test_each_test_of_a_file_has_a_name_of_its_own_in_junit(tmp_path: Path) -> None:
    trials = [Trial(name, tmp_path / "test_a.yml", 1, 0.0, ()) for name in ("a", "b", "a", "a")]
    root = ElementTree.fromstring(junit_of(trials, tmp_path, datetime.now(UTC)))
    assert [case.get("name") for case in root.iter("testcase")] == ["a", "b", "a (2)", "a (3)"]
