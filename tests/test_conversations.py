"""Conversations as test data: YAML files in tests/conversations, outcome, slots and case first, wording last."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.assistant import Assistant
from bot.turn import Outcome
from connectors.rasa.rehearsed import Step, work_in_office
from knowledge.yaml_file import read_yaml

FOLDER = Path(__file__).with_name("conversations")
TURN_KEYS = {
    "user", "sender", "outcome", "language", "service", "services", "requested_slot", "active_form",
    "case", "cases", "says", "says_not", "buttons", "intent", "office",
}  # fmt: skip
CONVERSATIONS = [
    pytest.param(
        conversation,
        id=f"{path.stem}: {conversation['name']}",
        marks=[pytest.mark.xfail(reason=conversation["known_gap"])] if "known_gap" in conversation else [],
    )
    for path in sorted(FOLDER.glob("*.yml"))
    for conversation in read_yaml(path)
]


@pytest.mark.parametrize("conversation", CONVERSATIONS)
def test_conversation(conversation: dict[str, Any], talk: Callable[..., dict[str, Any]], assistant: Assistant) -> None:
    told: dict[str, str] = {}
    for number, step in enumerate(conversation["turns"], start=1):
        assert set(step) <= TURN_KEYS, f"turn {number}: unknown keys {set(step) - TURN_KEYS}"
        written = Step(str(step["user"]), str(step.get("sender", "citizen")), tuple(step.get("office", ())))
        work_in_office(assistant.store, written, told.get("number"))
        text = written.written(told)
        turn = talk(text, written.sender)
        if turn["case"]:
            told["number"] = turn["case"]["case_id"]
            told["code"] = turn["case"].get("query_code", told.get("code", ""))
        check(step, turn, f"turn {number} ({text[:40]})")


def check(step: dict[str, Any], turn: dict[str, Any], where: str) -> None:
    """Compare a turn with what the test asks of it; `a|b` allows either."""
    for key in ("outcome", "language", "requested_slot", "active_form"):
        if key in step:
            allowed = str(step[key]).split("|")
            assert str(turn[key]) in allowed, f"{where}: {key} is {turn[key]}, not {step[key]}; {turn['text'][:200]}"
    if "intent" in step:
        assert turn["intent"]["name"] in str(step["intent"]).split("|"), where
    codes = [service["code"] for service in turn["services"]]
    if "service" in step:
        assert codes and codes[0] in str(step["service"]).split("|"), f"{where}: found {codes}"
    for code in step.get("services", ()):
        assert code in codes, f"{where}: {code} is not in {codes}"
    if "case" in step:
        assert turn["case"], f"{where}: no case"
        for name, value in step["case"].items():
            assert str(turn["case"][name]) in str(value).split("|"), f"{where}: case {name} is {turn['case'][name]}"
    if "cases" in step:
        assert len(turn["cases"]) == step["cases"], f"{where}: {len(turn['cases'])} cases"
    for word in step.get("says", ()):
        assert str(word).lower() in turn["text"].lower(), f"{where}: does not say {word!r}: {turn['text'][:300]}"
    for word in step.get("says_not", ()):
        assert str(word).lower() not in turn["text"].lower(), f"{where}: says {word!r}"
    if "buttons" in step:
        assert len(turn["buttons"]) >= step["buttons"], f"{where}: {len(turn['buttons'])} buttons"


def test_enough_conversations_in_both_languages() -> None:
    conversations = [param.values[0] for param in CONVERSATIONS]
    assert len(conversations) >= 60
    names = [conversation["name"] for conversation in conversations]
    assert len(names) == len(set(names))
    languages = [conversation["language"] for conversation in conversations]
    for language in ("zh", "en", "mixed"):
        assert languages.count(language) >= 8
    seen = {step["outcome"] for c in conversations for step in c["turns"] if "outcome" in step}
    assert {str(outcome) for outcome in Outcome} - {"error"} <= {one for told in seen for one in str(told).split("|")}
