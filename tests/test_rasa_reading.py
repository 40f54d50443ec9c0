"""Reading Rasa projects: training data, steps and the domain, and what is refused with file and line."""

from __future__ import annotations

from pathlib import Path

from bot.rasa.domain import Domain, Entity, Intent
from bot.rasa.patterns import synonyms_of
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
        (8, "an example starts with `- `"),
        (18, "regex '(' is broken"),
        (25, "an entry of `nlu` is one of `intent`, `synonym`, `regex`, `lookup`"),
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
