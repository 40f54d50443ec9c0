"""What is outside the subset is refused by name with file and line, never ignored."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from bot.rasa import processor as processor_module
from bot.rasa.assembly import check, prepare
from bot.rasa.conversations import Conversations
from bot.rasa.events import UserUttered
from bot.rasa.project import Layout, read_project, read_tests
from bot.rasa.refusals import Findings, ProjectRefused, Source
from connectors.cli import app
from connectors.rasa.guard import Guard
from connectors.rasa.project_api import project_app
from tests.rasa_exact import ExactUnderstanding

CONFIG = "language: en\npolicies:\n- name: MemoizationPolicy\n- name: RulePolicy\n"
TED = CONFIG + "- name: TEDPolicy\n"
DOMAIN = """\
intents: [greet, bye]
slots:
  name: {type: text, mappings: [{type: from_text}]}
responses:
  utter_greet: [{text: "Hello {name}."}]
  utter_bye: [{text: "Bye."}]
"""
NLU = "nlu:\n- intent: greet\n  examples: |\n    - hello\n"
RULES = "rules:\n- rule: greet\n  steps:\n  - intent: greet\n  - action: utter_greet\n"


def project(tmp_path: Path, **files: str) -> Path:
    """A small project with some files in place of its own."""
    told = {"config.yml": CONFIG, "domain.yml": DOMAIN, "data/nlu.yml": NLU, "data/rules.yml": RULES}
    told |= {name.replace("__", "/") + ".yml": text for name, text in files.items()}
    for name, text in told.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


REFUSED = {
    "component": ({"config": CONFIG + "pipeline:\n- name: my.Own\n"}, "config.yml", 6, "my.Own"),
    "extractor": ({"config": CONFIG + "pipeline:\n- name: DucklingEntityExtractor\n"}, "config.yml", 6, "Duckling"),
    "whitespace zh": (
        {"config": CONFIG.replace("en", "zh", 1) + "pipeline:\n- name: WhitespaceTokenizer\n"},
        "config.yml",
        6,
        "WhitespaceTokenizer",
    ),
    "policy": ({"config": CONFIG + "- name: SklearnPolicy\n"}, "config.yml", 5, "SklearnPolicy"),
    "history in words": (
        {"config": CONFIG + "- name: TEDPolicy\n  max_history: five\n"},
        "config.yml",
        6,
        "must be a whole",
    ),
    "high threshold": ({"config": CONFIG + "  core_fallback_threshold: high\n"}, "config.yml", 5, "must be a number"),
    "blank threshold": ({"config": CONFIG + "  core_fallback_threshold:\n"}, "config.yml", 5, "has no value"),
    "blank nlu threshold": (
        {"config": CONFIG + "pipeline:\n- name: FallbackClassifier\n  threshold:\n"},
        "config.yml",
        7,
        "`threshold` has no value",
    ),
    "no examples": ({"data__nlu": "nlu: []\n"}, ".", None, "nothing to learn from"),
    "no rule policy": ({"config": "policies:\n- name: MemoizationPolicy\n"}, "config.yml", None, "no RulePolicy"),
    "old section": ({"domain": DOMAIN + "templates: {utter_old: []}\n"}, "domain.yml", 7, "`responses` since Rasa 2"),
    "list of forms": ({"domain": DOMAIN + "forms: [ask_form]\n"}, "domain.yml", 7, "since Rasa 3"),
    "old policy": ({"config": CONFIG + "- name: FormPolicy\n"}, "config.yml", 5, "in Rasa 3 it is RulePolicy"),
    "slot option": (
        {"domain": DOMAIN.replace("type: text", "type: text, auto_fill: true")},
        "domain.yml",
        3,
        "auto_fill",
    ),
    "wording of a word": ({"domain": DOMAIN.replace('{text: "Bye."}', "Bye")}, "domain.yml", 6, "entry of `utter_bye`"),
    "slot type": ({"domain": DOMAIN.replace("type: text", "type: unfeaturized")}, "domain.yml", 3, "unfeaturized"),
    "mapping": ({"domain": DOMAIN.replace("from_text", "from_air")}, "domain.yml", 3, "from_air"),
    "wording key": ({"domain": DOMAIN.replace('{text: "Bye."}', "{text: x, sound: y}")}, "domain.yml", 6, "sound"),
    "e2e": ({"domain": DOMAIN + "e2e_actions: [Hello]\n"}, "domain.yml", 7, "e2e_actions"),
    "user text": ({"data__rules": RULES.replace("intent: greet", "user: hello")}, "data/rules.yml", 4, "end-to-end"),
    "unknown step": ({"data__rules": RULES + "  - wave: hand\n"}, "data/rules.yml", 6, "wave"),
    "unknown action": ({"data__rules": RULES.replace("utter_greet", "utter_gone")}, "data/rules.yml", 5, "utter_gone"),
    "unknown slot": (
        {"data__rules": RULES.replace("- action", "- slot_was_set: [{age: 1}]\n  - action")},
        "data/rules.yml",
        5,
        "age",
    ),
    "checkpoint in a rule": ({"data__rules": RULES + "  - checkpoint: x\n"}, "data/rules.yml", 6, "checkpoints"),
    "two turns": (
        {"data__rules": RULES + "  - intent: bye\n  - action: utter_bye\n"},
        "data/rules.yml",
        2,
        "more than one turn",
    ),
    "contradiction": (
        {
            "data__rules": RULES
            + RULES.replace("rules:\n", "").replace("rule: greet", "rule: other").replace("utter_greet", "utter_bye")
        },
        "data/rules.yml",
        2,
        "foretell",
    ),
    "contradicting story": (
        {"data__stories": "stories:\n- story: s\n  steps:\n  - intent: greet\n  - action: utter_bye\n"},
        "data/stories.yml",
        2,
        "rule(s) greet",
    ),
    "version": ({"data__nlu": 'version: "4.0"\n' + NLU}, "data/nlu.yml", 1, "4.0"),
    "nlg": ({"endpoints": "nlg: {url: http://localhost}\n"}, "endpoints.yml", 1, "nlg"),
    "type of a list": ({"domain": DOMAIN.replace("type: text", "type: [text]")}, "domain.yml", 3, "['text']"),
    "mapping of a list": ({"domain": DOMAIN.replace("from_text", "[from_text]")}, "domain.yml", 3, "['from_text']"),
    "low word": (
        {"domain": DOMAIN.replace("type: text", "type: float, min_value: low")},
        "domain.yml",
        3,
        "`min_value` must be a number",
    ),
    "entity of a list": (
        {"domain": DOMAIN.replace("type: from_text", "type: from_entity, entity: [a]")},
        "domain.yml",
        3,
        "`entity` must be a text",
    ),
    "entities of a mapping": (
        {"domain": DOMAIN.replace("greet, bye", "greet: {use_entities: [{c: d}]}, bye")},
        "domain.yml",
        1,
        "`use_entities` are names",
    ),
    "number said": ({"domain": DOMAIN.replace('"Bye."', "3")}, "domain.yml", 6, "`text` must be a text"),
    "button of a word": (
        {"domain": DOMAIN.replace('"Bye."', '"Bye.", buttons: [yes]')},
        "domain.yml",
        6,
        "must be a mapping",
    ),
    "complex key": ({"data__nlu": "? [a, b]\n: c\n"}, "data/nlu.yml", 1, "a key must be a word"),
    "recursive alias": ({"data__nlu": "nlu: &a [*a]\n"}, "data/nlu.yml", 1, "part of"),
    "aliases that grow": (
        {"data__nlu": "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 30))},
        "data/nlu.yml",
        1,
        "aliases repeat more than",
    ),
    "deep brackets": ({"data__nlu": "nlu: " + "[" * 5000 + "]" * 5000}, "data/nlu.yml", None, "nested"),
    "unset variable": ({"config": CONFIG + "assistant_id: ${NOT_SET}\n"}, "config.yml", 5, "NOT_SET"),
    "empty or": ({"data__rules": RULES + "  - or: []\n"}, "data/rules.yml", 6, "`or` needs"),
    "checkpoint of nothing": (
        {"data__stories": "stories:\n- story: s\n  steps:\n  - intent: bye\n  - checkpoint:\n"},
        "data/stories.yml",
        5,
        "`checkpoint` needs a name",
    ),
    "role of a list": (
        {"data__nlu": NLU + '    - to [Bern]{"entity": "city", "role": ["f"]}\n'},
        "data/nlu.yml",
        5,
        "`role` must be a text",
    ),
    "too many ors": (
        {"data__stories": "stories:\n- story: s\n  steps:\n" + "  - or: [{intent: greet}, {intent: bye}]\n" * 15},
        "data/stories.yml",
        2,
        "20,000",
    ),
    "too many ways": (
        {
            "data__stories": "stories:\n- story: s\n  steps:\n  - intent: bye\n  - checkpoint: hub\n"
            + "- story: t\n  steps:\n  - checkpoint: hub\n"
            + "  - or: [{intent: greet}, {intent: bye}]\n" * 8
            + "  - checkpoint: far\n- story: u\n  steps:\n  - checkpoint: far\n"
            + "  - or: [{intent: greet}, {intent: bye}]\n" * 8
        },
        "data/stories.yml",
        17,
        "checkpoint `far`",
    ),
    "broken yaml": ({"data__nlu": "nlu: [\n"}, "data/nlu.yml", 2, "not YAML"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(tmp_path: Path, case: str) -> None:
    files, file, line, words = REFUSED[case]
    read = read_project(project(tmp_path, **files))
    check(read)
    found = [(str(remark.file.relative_to(tmp_path)), remark.line, remark.problem) for remark in read.findings.refused]
    assert any((file, line) == (f, n) and words in problem for f, n, problem in found), found
    with pytest.raises(ProjectRefused, match=file):
        prepare(read, check(read), ExactUnderstanding(read.training))


def test_left_alone_and_told(tmp_path: Path) -> None:
    read = read_project(
        project(
            tmp_path,
            config=CONFIG + "- name: TEDPolicy\n  epochs: 5\n",
            endpoints="tracker_store: {type: redis}\n",
            credentials="rest:\nsocketio: {session_persistence: true}\n",
            data__stories="stories:\n- story: s\n  steps:\n  - intent: stranger\n"
            "  - action: utter_bye\n  - checkpoint: x\n",
        )
    )
    check(read)
    assert not read.findings.refused
    assert [remark.problem.split("`")[1] for remark in read.findings.left_alone[1:]] == [
        "epochs",
        "tracker_store",
        "socketio",
    ]
    assert "TEDPolicy" in read.findings.left_alone[0].problem
    told = {remark.problem.split(" (")[0] for remark in read.findings.told}
    assert told == {
        "`greet` is the only intent with examples; none is learnt 只有一个意图有例句，不学习",
        "intent `stranger` is not in the domain 不在 domain 中",
        "checkpoint `x`: no story goes on from it 没有故事由此继续",
    }


def test_circles_of_checkpoints_end(tmp_path: Path) -> None:
    loop = "- story: loop{0}\n  steps:\n  - checkpoint: hub\n  - intent: i{0}\n  - action: utter_bye\n"
    loop += "  - checkpoint: hub\n"
    stories = "stories:\n- story: s\n  steps:\n  - intent: bye\n  - action: utter_bye\n  - checkpoint: hub\n"
    stories += "".join(loop.format(number) for number in range(6))
    stories += "- story: end\n  steps:\n  - checkpoint: hub\n  - intent: greet\n  - action: utter_greet\n"
    intents = ", ".join(f"i{number}" for number in range(6))
    learnt = check(
        read_project(project(tmp_path, data__stories=stories, domain=DOMAIN.replace("bye]", f"bye, {intents}]")))
    )
    assert learnt is not None and not learnt.problems
    told = [[event.intent for event in one.tracker.events if isinstance(event, UserUttered)] for one in learnt.trackers]
    # Any two rounds in any order, and the end after them, are among what is learnt.
    assert all(any(row[-3:] == [f"i{one}", f"i{two}", "greet"] for row in told) for one in range(6) for two in range(6))
    assert len(told) < 1000


def test_merge_keys_and_variables(tmp_path: Path) -> None:
    text = "a: &a {p: 1, q: 2}\nb:\n  <<: *a\n  q: ${ONE} of $TWO\nc: '${ONE}'\nd: ${NONE}\n"
    (tmp_path / "f.yml").write_text(text, encoding="utf-8")
    source = Source(tmp_path / "f.yml", Findings(), {"ONE": "1"})
    assert source.content["b"] == {"p": 1, "q": "1 of $TWO"} and source.content["c"] == "${ONE}"
    assert [(remark.line, remark.problem) for remark in source.findings.refused] == [
        (6, "the environment has no NONE 环境变量未设置")
    ]
    assert source.line("b", "p") == 1 and source.line("b", "q") == 4


def test_a_session_without_a_time_has_rasas_own(tmp_path: Path) -> None:
    domain = DOMAIN + "session_config: {session_expiration_time: null, carry_over_slots_to_new_session: false}\n"
    read = read_project(project(tmp_path, domain=domain))
    assert (read.domain.session.expiration_minutes, read.domain.session.carry_over_slots) == (60, False)
    assert not read.findings.refused


def test_the_first_domain_counts_and_the_other_is_told(tmp_path: Path) -> None:
    folder = project(tmp_path, domain__more="slots:\n  age: {type: any, mappings: []}\n")
    read = read_project(folder)
    assert list(read.domain.declared_slots) == ["name"]
    assert [(remark.file.name, remark.problem) for remark in read.findings.left_alone] == [
        ("domain", "Rasa reads domain.yml and not this 此处不读")
    ]
    both = read_project(folder, Layout(domain=("domain.yml", "domain")))
    assert list(both.domain.declared_slots) == ["name", "age"] and not both.findings.left_alone


def test_test_files_are_told_and_in_nobodys_way(tmp_path: Path) -> None:
    read = read_project(
        project(
            tmp_path,
            tests__a="stories: [\n",
            tests__b="stories:\n- story: s\n  steps:\n  - user: hello\n    intent: greet\n",
            tests__c="test_cases:\n- test_case: x\n",
        )
    )
    check(read)
    stories, findings = read_tests(read)
    assert [story.name for story in stories] == ["s"] and not read.findings.refused
    assert [(remark.file.name, remark.line) for remark in findings.refused] == [("a.yml", 2), ("c.yml", 2)]
    assert not findings.left_alone


def test_what_is_filled_in_and_not_trained_is_told(tmp_path: Path) -> None:
    read = read_project(project(tmp_path, config="language: en\npolicies:\n"))
    told = [(remark.line, remark.problem.split(" is ")[0]) for remark in read.findings.left_alone]
    assert told == [(2, "UnexpecTEDIntentPolicy"), (2, "TEDPolicy")]
    pipeline = "pipeline:\n- name: bot.rasa_components.LanguageIdentifier\n- name: JiebaTokenizer\n"
    read = read_project(project(tmp_path, config=CONFIG + pipeline + "  dictionary_path: words\n"))
    assert [(remark.line, remark.problem.split(" ")[0]) for remark in read.findings.left_alone] == [
        (6, "bot.rasa_components.LanguageIdentifier"),
        (8, "option"),
    ]
    check(read)
    assert not read.findings.refused
    assert [remark.problem.split(";")[0] for remark in read.findings.told] == [
        "no component of the pipeline finds intents here"
    ]


def test_check_on_the_console(tmp_path: Path) -> None:
    good = project(tmp_path / "good" if (tmp_path / "good").mkdir() is None else tmp_path)
    ran = CliRunner().invoke(app, ["rasa", "check", str(good)])
    assert ran.exit_code == 0 and "runs 可以运行" in ran.output
    domain = good / "domain.yml"
    domain.write_text(DOMAIN + "e2e_actions: [Hello]\n", encoding="utf-8")
    ran = CliRunner().invoke(app, ["rasa", "check", str(good)])
    assert (
        ran.exit_code == 1 and "domain.yml:7: `e2e_actions` (end-to-end training) is not supported 不支持" in ran.output
    )
    assert CliRunner().invoke(app, ["rasa", "train", str(good)]).exit_code == 1


def test_talk_on_the_console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHENGDA_DATA_DIR", str(tmp_path / "written"))
    two = NLU + "    - hello there\n- intent: bye\n  examples: |\n    - see you\n    - bye\n"
    ran = CliRunner().invoke(app, ["rasa", "shell", str(project(tmp_path, data__nlu=two))], input="hello you\n/stop\n")
    assert ran.exit_code == 0 and "Hello hello you." in ran.output
    ran = CliRunner().invoke(app, ["rasa", "shell", str(project(tmp_path))], input="hello\n/stop\n")
    assert ran.exit_code == 0 and "Hello" not in ran.output


def test_served(tmp_path: Path) -> None:
    read = read_project(project(tmp_path))
    processor = prepare(read, check(read), ExactUnderstanding(read.training))
    with TestClient(project_app(processor, "small", enable_api=True)) as client:
        said = client.post("/webhooks/rest/webhook", json={"sender": "u", "message": "hello"})
        assert said.json() == [{"recipient_id": "u", "text": "Hello hello."}]
        streamed = client.post("/webhooks/rest/webhook?stream=true", json={"sender": "u", "message": "/greet"})
        assert streamed.text == '{"recipient_id": "u", "text": "Hello /greet."}\n'
        assert client.post("/webhooks/rest/webhook", json={"message": "what"}).json() == []
        assert client.post("/model/parse", json={"text": "hello"}).json()["intent"]["name"] == "greet"
        tracker = client.get("/conversations/u/tracker").json()
        assert tracker["slots"]["name"] == "/greet" and tracker["latest_action_name"] == "action_listen"
        triggered = client.post("/conversations/u/trigger_intent", json={"name": "greet", "entities": {}})
        assert triggered.json()["messages"][0]["text"].startswith("Hello EXTERNAL")
        assert client.post("/conversations/u/trigger_intent", json={"name": "gone"}).status_code == 404
        assert client.get("/version").json()["version"] == "3.6.21"
        assert client.get("/status").json()["num_active_training_jobs"] == 0
        assert client.get("/webhooks/rest/").json() == {"status": "ok"}
        assert client.get("/").text == "Hello from Rasa: 3.6.21"


def test_conversations_are_open_only_where_enabled_and_to_who_has_the_token(tmp_path: Path) -> None:
    read = read_project(project(tmp_path))
    processor = prepare(read, check(read), ExactUnderstanding(read.training))
    guarded = ("/conversations/u/tracker", "/status")
    with TestClient(project_app(processor, "small")) as client:
        assert client.post("/webhooks/rest/webhook", json={"sender": "u", "message": "hello"}).status_code == 200
        for path in (*guarded, "/version", "/openapi.json"):
            assert client.get(path).status_code == 404, path
        assert client.post("/model/parse", json={"text": "hello"}).status_code == 404
    with TestClient(project_app(processor, "small", enable_api=True, guard=Guard("sesame"))) as client:
        for path in guarded:
            assert client.get(path).status_code == client.get(f"{path}?token=wrong").status_code == 401, path
            assert client.get(f"{path}?token=sesame").status_code == 200, path
        intent = {"name": "greet"}
        assert client.post("/conversations/u/trigger_intent", json=intent).status_code == 401
        assert client.post("/conversations/u/trigger_intent?token=sesame", json=intent).status_code == 200
        assert client.post("/model/parse", json={"text": "hello"}).status_code == 401
        assert client.get("/version").status_code == 200
    ran = CliRunner().invoke(app, ["rasa", "run", str(project(tmp_path)), "--auth-token", "sesame"])
    assert ran.exit_code == 2 and "--enable-api" in ran.output


def test_a_conversation_under_way_is_told_so_and_what_breaks_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = read_project(project(tmp_path))
    processor = prepare(read, check(read), ExactUnderstanding(read.training))
    processor.conversations = Conversations(most=2, busy_seconds=0.05)
    with TestClient(project_app(processor, "small", enable_api=True), raise_server_exceptions=False) as client:

        def say(sender: str) -> int:
            return client.post("/webhooks/rest/webhook", json={"sender": sender, "message": "hello"}).status_code

        with processor.conversations.held("a"):
            assert say("a") == 503 and say("b") == 200
        assert say("a") == 200
        monkeypatch.setattr(processor_module, "extract_slots", lambda *given: 1 / 0)
        assert say("c") == 200, "as Rasa, which tells what was said so far"
        assert list(processor.conversations.events) == ["a", "c"], "the least recent one is gone"
        monkeypatch.undo()
        assert say("c") == 200 and processor.conversations.events["c"]
        assert not processor.conversations._turnstiles
