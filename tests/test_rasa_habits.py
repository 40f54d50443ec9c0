"""What real projects write beside what Rasa reads: they run as they do in Rasa, and all of it is told by its line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.rasa.assembly import check
from bot.rasa.project import Project, read_project
from bot.rasa.refusals import Remark
from bot.rasa.slots import SlotType
from connectors.rasa.endpoint import read_endpoint
from tests.test_rasa_refusals import REFUSED, project

CONFIG = """\
recipe: default.v1
language: zh
garden: {gate: open}
pipeline:
- name: JiebaTokenizer
- name: DIETClassifier
  hidden_layer_sizes: {text: [8]}
- name: ResponseSelector
  retrieval_intent: faq
- name: FallbackClassifier
  treshold: 0.2
policies:
- name: MemoizationPolicy
- name: RulePolicy
  strictly: true
"""
DOMAIN = """\
version: "3.1"
intents:
- faq: {is_retrieval_intent: true}
- report: {triggers: utter_thanks}
- thank
- bye
entities:
- tree: {colour: green}
slots:
  tree:
    type: rasa.shared.core.slots.TextSlot
    mappings: [{type: from_entity, entity: tree, note: tall}]
  urgent:
    type: rasa.shared.core.slots.BooleanSlot
    mappings: [{type: custom}]
forms:
  tree_form: {required_slots: [tree, urgent]}
responses:
  utter_ask_tree: [{text: 哪一棵树?}]
  utter_thanks: [{text: 谢谢}]
  utter_faq/when: [{text: 春天}]
weather: sunny
session_config: {session_expiration_time: 30, carry_over_slots_to_new_session: true, mood: calm}
"""
NLU = """\
nlu:
- intent: faq/when
  examples: |
    - 什么时候修剪
    # 下面一行少了短横
    修剪要多久
- intent: report
  examples: |
    - 一棵[槐树](tree)倒了
- intent: bye
  examples:
"""
STORIES = """\
stories:
- story: as `rasa interactive` writes it
  steps:
  - intent: report
    user: |-
      门口的[柳树](tree)断了
    entities:
    - tree: 柳树
  - slot_was_set:
    - tree: 柳树
  - action: utter_thanks
  - intent: thank
    user: /thank
  - action: utter_thanks
- story: not written yet
  steps:
rules:
- rule: questions
  steps:
  - intent: faq
  - action: utter_faq
"""
ENDPOINTS = """\
action_endpoint:
  url: http://127.0.0.1:5055/webhook
  worker_count: 4
event_broker:
  type: pika
  password: ${NO_SUCH_PASSWORD_HERE}
"""
CREDENTIALS = "rest:\nfacebook:\n  secret: ${NO_SUCH_SECRET_HERE}\n"
HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture
def garden(tmp_path: Path) -> Project:
    """A small project with the habits of real ones."""
    read = read_project(
        project(
            tmp_path,
            config=CONFIG,
            domain=DOMAIN,
            data__nlu=NLU,
            data__rules="rules: []\n",
            data__stories=STORIES,
            endpoints=ENDPOINTS,
            credentials=CREDENTIALS,
        )
    )
    check(read)
    return read


def placed(remarks: list[Remark], word: str) -> list[tuple[str, int | None]]:
    """Where a remark with the word points."""
    return [(remark.file.name, remark.line) for remark in remarks if word in remark.problem]


@pytest.mark.parametrize(
    ("word", "file", "line"),
    [
        ("`garden`", "config.yml", 3),
        ("`hidden_layer_sizes`", "config.yml", 7),
        ("`treshold` (`threshold`?)", "config.yml", 11),
        ("`strictly`", "config.yml", 15),
        ("`triggers`", "domain.yml", 4),
        ("`colour`", "domain.yml", 8),
        ("`note`", "domain.yml", 12),
        ("`weather`", "domain.yml", 22),
        ("`mood`", "domain.yml", 23),
        ("`worker_count`", "endpoints.yml", 3),
        ("`event_broker`", "endpoints.yml", 4),
        ("`facebook`", "credentials.yml", 2),
    ],
)
def test_what_rasa_does_not_read_is_told_and_in_nobodys_way(garden: Project, word: str, file: str, line: int) -> None:
    assert not garden.findings.refused
    assert placed(garden.findings.left_alone, word) == [(file, line)]


@pytest.mark.parametrize(
    ("word", "file", "line"),
    [
        ("does not start with `- `", "nlu.yml", 5),
        ("修剪要多久", "nlu.yml", 6),
        ("has no examples", "nlu.yml", 11),
        ("has no steps", "stories.yml", 16),
        ("has no words to ask for `urgent`", "garden", None),
    ],
)
def test_what_rasa_leaves_out_is_told(garden: Project, word: str, file: str, line: int | None) -> None:
    assert ((garden.folder.name if file == "garden" else file), line) in placed(garden.findings.told, word)


def test_words_beside_an_intent_are_learnt_and_no_end_to_end_training(garden: Project) -> None:
    (story,) = garden.stories
    assert [(one.text, one.intent) for one in garden.training.examples] == [
        ("什么时候修剪", "faq"),
        ("一棵槐树倒了", "report"),
        ("门口的柳树断了", "report"),
    ]
    assert garden.training.examples[-1].annotations[0].entity == "tree"
    assert story.name == "as `rasa interactive` writes it"
    learnt = check(garden)
    assert learnt is not None and len(learnt.trackers) == 2


def test_classes_of_slots_and_declared_retrieval_intents(garden: Project) -> None:
    slots = garden.domain.declared_slots
    assert (slots["tree"].type, slots["urgent"].type) == (SlotType.TEXT, SlotType.BOOL)
    assert garden.domain.retrieval_intents == ("faq",)
    endpoint = read_endpoint(garden.folder / "endpoints.yml", {})
    assert endpoint is not None and endpoint.url == "http://127.0.0.1:5055/webhook"


@pytest.mark.parametrize("case", REFUSED)
def test_every_refusal_is_told_in_chinese_too(tmp_path: Path, case: str) -> None:
    read = read_project(project(tmp_path, **REFUSED[case][0]))
    check(read)
    findings = read.findings
    english = [one.problem for one in (*findings.refused, *findings.told, *findings.left_alone)]
    assert not [problem for problem in english if not HAN.search(problem)]
