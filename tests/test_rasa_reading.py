"""Reading Rasa projects: training data, steps and the domain, and what is refused with file and line."""

from __future__ import annotations

from pathlib import Path

from bot.rasa.domain import Domain, Entity, Intent, SessionConfig
from bot.rasa.patterns import synonyms_of
from bot.rasa.project import Project, read_project
from bot.rasa.refusals import Findings, Source
from bot.rasa.stories import ActionStep, CheckpointStep, OrStep, SlotStep, StoryReader, UserStep
from bot.rasa.training_data import Annotation, TrainingData, read_training_data

NLU = """\
version: "3.1"
nlu:
- intent: report
  examples: |
    - [Elm Road](street) is dark
    - from [Bern]{"entity": "city", "role": "from"} to [BRN](city:Bern)
    - [both][{"entity": "a"}, {"entity": "b", "group": 1}]
    no dash
- intent: faq/ask_hours
  examples:
  - text: |
      when are you open
    metadata: {by: me}
- synonym: Bern
  examples: |
    - berne
- regex: zip
  examples: |
    - [0-9]{4}
    - (
- lookup: street
  examples: |
    - Elm Road
    - Oak Lane
- phrase: x
"""
STORIES = """\
version: "3.1"
stories:
- story: one
  steps:
  - checkpoint: begin
    slot_was_set: [{known: true}]
  - or:
    - intent: greet
    - intent: hello
      entities: [name, {city: Bern, role: from}]
  - action: utter_greet
  - slot_was_set: [name, {known: false}]
  - user: words
  - dance: now
"""


def source(tmp_path: Path, text: str) -> Source:
    path = tmp_path / "file.yml"
    path.write_text(text, encoding="utf-8")
    return Source(path, Findings())


def test_training_data(tmp_path: Path) -> None:
    read = source(tmp_path, NLU)
    data = read_training_data(read)
    report, travel, both, hours = data.examples
    assert report.text == "Elm Road is dark" and report.line == 5
    assert report.annotations == (Annotation(0, 8, "street", value="Elm Road"),)
    assert travel.text == "from Bern to BRN"
    assert [(a.entity, a.role, a.value) for a in travel.annotations] == [
        ("city", "from", "Bern"),
        ("city", None, "Bern"),
    ]
    assert [(a.entity, a.group) for a in both.annotations] == [("a", None), ("b", "1")]
    assert (hours.intent, hours.response, hours.metadata) == ("faq", "ask_hours", {"by": "me"})
    assert data.retrieval_intents == ("faq",)
    assert {text: value for text, value in synonyms_of(data).items() if text != value.lower()} == {
        "brn": "Bern",
        "berne": "Bern",
    }
    assert data.lookups[0].words == ("Elm Road", "Oak Lane")
    assert [(remark.line, remark.problem.split(":")[0]) for remark in read.findings.refused] == [
        (18, "regex '(' is broken 写法有误"),
        (25, "an entry of `nlu` is one of 每项须为其一"),
    ]
    assert [(remark.line, remark.problem.split(",")[0]) for remark in read.findings.told] == [
        (8, "does not start with `- `")
    ]
    assert data.merged(TrainingData()) == data


def test_steps(tmp_path: Path) -> None:
    read = source(tmp_path, STORIES)
    (story,) = StoryReader(read).stories()
    joint, either, action, name, known = story.steps
    assert isinstance(joint, CheckpointStep) and joint.slots[0].value is True
    assert isinstance(either, OrStep)
    first, second = either.options
    assert isinstance(first, UserStep) and isinstance(second, UserStep)
    assert [(mark.entity, mark.value, mark.role) for mark in second.entities] == [
        ("name", "", None),
        ("city", "Bern", "from"),
    ]
    assert isinstance(action, ActionStep) and action.name == "utter_greet"
    assert isinstance(name, SlotStep) and not name.given
    assert isinstance(known, SlotStep) and known.given and known.value is False
    assert [remark.line for remark in read.findings.refused] == [13, 14]


def test_entities_that_policies_see() -> None:
    domain = Domain(
        intents={"all": Intent("all"), "some": Intent("some", ("city",)), "less": Intent("less", None, ("city",))},
        entities={"city": Entity("city", ("from", "to")), "name": Entity("name", influence_conversation=False)},
    )
    assert domain.used_entities("all") == {"city", "city#from", "city#to"}
    assert domain.used_entities("some") == {"city", "city#from", "city#to"}
    assert domain.used_entities("less") == set()
    assert domain.used_entities("stranger") is None


DOMAIN_FILES = {
    "a.yml": """\
intents: [greet, {bye: {use_entities: []}}]
actions: [action_a]
session_config: {session_expiration_time: 60, carry_over_slots_to_new_session: true}
""",
    "b.yaml": """\
intents: [bye, thank]
entities: [city]
actions: [{action_a: {send_domain: true}}, action_b]
session_config: {session_expiration_time: 5, carry_over_slots_to_new_session: false}
""",
    "c.yml": "session_config: {session_expiration_time: 7, carry_over_slots_to_new_session: true}\n",
}


def of_folder(tmp_path: Path, files: dict[str, str]) -> Project:
    """A project whose domain is a folder of these files."""
    for name, text in files.items():
        path = tmp_path / "domain" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (tmp_path / "config.yml").write_text("language: en\n", encoding="utf-8")
    return read_project(tmp_path)


def test_a_domain_of_several_files_is_merged_by_name(tmp_path: Path) -> None:
    read = of_folder(tmp_path, {**DOMAIN_FILES, "README.md": "# a: b: c\n- [", "notes.txt": "intents: [x]\n"})
    domain = read.domain
    assert not read.findings.refused
    assert list(domain.intents) == ["greet", "bye", "thank"] and domain.intents["bye"].use_entities == ()
    assert domain.content["intents"] == ["greet", {"bye": {"use_entities": []}}, "thank"]
    assert domain.content["actions"] == ["action_a", "action_b"] == list(domain.declared_actions)
    assert domain.session == SessionConfig(5, False), "the first that says more than Rasa's own"
    assert domain.content["session_config"]["session_expiration_time"] == 5
    assert [(r.file.name, r.line, r.problem) for r in read.findings.told if "bye" in r.problem] == [
        ("b.yaml", 1, "`bye` is declared twice in intents; the first one counts 重复，以第一个为准")
    ]


def test_an_intent_twice_in_one_file_is_refused(tmp_path: Path) -> None:
    read = of_folder(tmp_path, {"a.yml": "intents:\n- greet\n- greet: {use_entities: []}\n"})
    assert [(r.line, r.problem) for r in read.findings.refused] == [(3, "intent `greet` stands twice 重复")]
