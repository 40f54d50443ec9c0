"""What is declared once demands the rest."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from bot.action_table import ACTIONS
from bot.actions.say import OUTCOMES, SAYS
from bot.cases.clocks import MOVES, Alarm
from bot.cases.closing import AXES
from bot.cases.hastening import ALLOWED, Effect
from bot.cases.progress import PLACES, PUBLIC, TOLD_NOTES, WORK, Due, Holder, Stage
from bot.cases.states import TRANSITIONS, Status
from bot.content_check import MIN_LINES
from bot.domain import read_domain
from bot.nlu.intents import NLU_FILES
from bot.nlu.training_data import read_nlu
from bot.rules import read_rules
from bot.settings import Settings
from knowledge.catalogue import FACT_FIELDS, read_catalogue
from knowledge.queries import NLU_DATA, read_dev_queries, read_training_queries

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("name", NLU_FILES)
def test_every_intent_has_examples_in_both_languages(name: str) -> None:
    counts = Counter(example.intent for example in read_nlu(NLU_DATA / name))
    domain = read_domain()
    assert set(counts) == set(domain.intents)
    assert min(counts.values()) >= MIN_LINES


def test_every_intent_has_a_rule_and_every_rule_an_action() -> None:
    domain = read_domain()
    rules = read_rules(domain)
    answered = set(rules) | {"anonymous", "skip"}
    assert set(domain.intents) <= answered
    special = {"action_switch_language", "action_repeat", "action_choose"}
    for action in rules.values():
        assert action in ACTIONS or SAYS.get(action, action) in domain.responses or action in special, action
        assert action in {*domain.actions, *domain.forms, *domain.responses}, action


def test_every_response_used_in_code_is_in_the_domain() -> None:
    domain = read_domain()
    used = set(OUTCOMES)
    for path in (*(ROOT / "bot").rglob("*.py"), *(ROOT / "connectors").rglob("*.py")):
        used |= set(re.findall(r'"(utter_[a-z_]+)"', path.read_text(encoding="utf-8")))
    assert used <= set(domain.responses), used - set(domain.responses)
    for name in FACT_FIELDS:
        assert f"utter_label_{name}" in domain.responses


def test_every_response_has_the_same_placeholders_in_both_languages() -> None:
    for name, wording in read_domain().responses.items():
        zh, en = (set(re.findall(r"\{(\w+)\}", wording[language].text)) for language in ("zh", "en"))
        assert zh == en, name
        assert len(wording["zh"].buttons) == len(wording["en"].buttons), name


def test_every_status_event_and_alarm_of_a_case_has_its_words() -> None:
    domain = read_domain()
    for status in Status:
        assert f"utter_status_{status}" in domain.responses
    told = {row.event for row in TRANSITIONS.values()} | {alarm for alarm in Alarm if alarm not in MOVES} | {"filed"}
    for kind in told:
        assert f"utter_note_{kind}" in domain.responses, kind


def test_all_a_citizen_reads_of_a_case_has_its_words() -> None:
    needed = {
        *(f"utter_note_{kind}" for kind in PUBLIC),
        *(f"utter_holder_{holder}" for holder in Holder if holder is not Holder.UNIT),
        *(f"utter_next_{status}" for status in Status if status is not Status.MERGED),
        *(f"utter_due_{due}" for due in Due if due is not Due.DONE),
        *(f"utter_hasten_{effect}" for effect in Effect),
        *(f"utter_hastened_{effect}" for effect in ALLOWED),
        *(f"utter_stage_{stage}" for stage in Stage),
        *(f"utter_axis_{axis}" for axis in AXES),
    }
    assert needed <= set(read_domain().responses), needed - set(read_domain().responses)
    assert WORK <= PUBLIC and TOLD_NOTES <= PUBLIC and set(PLACES) == set(Status)


def test_every_setting_has_a_help_text_and_a_readme_row() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert f"CHENGDA_{name.upper()}" in readme, name


def test_every_service_has_training_and_dev_sentences_in_both_languages() -> None:
    catalogue = read_catalogue()
    for queries, least in ((read_training_queries(), MIN_LINES), (read_dev_queries(), 3)):
        counts = Counter((query.code, query.language) for query in queries)
        for service in catalogue:
            for language in ("zh", "en"):
                assert counts[(service.code, language)] >= least, (service.code, language)
