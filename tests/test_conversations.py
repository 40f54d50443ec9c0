"""Conversations as test data: YAML files in tests/conversations, outcome, slots and case first, wording last."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.assistant import Assistant
from bot.cases.case import Actor, Facts
from bot.cases.number import CaseNumber
from bot.cases.states import Move, Role
from bot.turn import Outcome
from knowledge.yaml_file import read_yaml

FOLDER = Path(__file__).with_name("conversations")
TURN_KEYS = {
    "user", "sender", "outcome", "language", "service", "services", "requested_slot", "active_form",
    "case", "cases", "says", "says_not", "buttons", "intent", "office",
}  # fmt: skip
UNIT = Actor(Role.UNIT, "u1", "UMB_D:南山区")
DESK = Actor(Role.DISPATCHER, "d1")
# What the office does to the case told last, before the citizen writes: step -> move, actor, facts.
OFFICE: dict[str, tuple[Move, Actor, Facts]] = {
    "accept": (Move.ACCEPT, DESK, Facts()),
    "reject": (Move.REJECT, DESK, Facts(reason="内部", note="属于法院诉讼事项，请向受理法院咨询")),
    "dispatch": (Move.DISPATCH, DESK, Facts(unit=UNIT.unit)),
    "sign": (Move.SIGN, UNIT, Facts()),
    "contact": (Move.CONTACT, UNIT, Facts()),
    "extend": (Move.EXTEND, DESK, Facts(reason="内部：等审批", note="需要办理开挖许可")),
    "suspend": (Move.SUSPEND, UNIT, Facts(reason="内部：等市民", note="请补充灯杆编号")),
    "reply": (Move.REPLY, UNIT, Facts(reply="已更换灯泡")),
    "review": (Move.REVIEW, DESK, Facts()),
    "close": (Move.CLOSE, DESK, Facts()),
    "supervise": (Move.SUPERVISE, Actor(Role.SUPERVISOR, "s1"), Facts(reason="内部：挂牌")),
    "note": (Move.NOTE, DESK, Facts(note="内部备注：来电三次")),
}
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
        text = (
            str(step["user"]).format(**told)
            if "{" in str(step["user"]) and not str(step["user"]).startswith("/")
            else str(step["user"])
        )
        with assistant.store.work() as work:
            for name in step.get("office", ()):
                work.cases.move(CaseNumber(told["number"]), *OFFICE[name])
        turn = talk(text, str(step.get("sender", "citizen")))
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
