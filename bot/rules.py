"""The rules of rules.yml: after which intent which action comes; read from Rasa 3's format, the rest refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.domain import Domain
from knowledge.yaml_file import ContentError, read_with_lines

RULES_FILE = Path(__file__).resolve().parents[1] / "nlu_data" / "rules.yml"
RULE_KEYS = {"rule", "steps", "condition"}
STEP_KEYS = {"intent", "action", "active_loop", "slot_was_set"}
# What only Rasa's side tells: its language understanding found no intent.
FALLBACK_INTENT = "nlu_fallback"


def read_rules(domain: Domain, path: Path = RULES_FILE) -> Mapping[str, str]:
    """The action of each intent; raises ContentError with file and line for what is unknown or twice told."""
    content, lines = read_with_lines(path)
    if not isinstance(content, dict) or set(content) - {"version", "rules"} or "rules" not in content:
        raise ContentError(path, 1, "only `version` and `rules` are supported")
    known = {*domain.actions, *domain.responses, *domain.forms}
    actions: dict[str, str] = {}
    for index, rule in enumerate(content["rules"]):
        line = lines[("rules", index)]
        steps = _steps(path, line, rule)
        for step in steps:
            if (action := step.get("action")) is not None and action not in known:
                raise ContentError(path, line, f"action `{action}` is not in the domain")
        if "intent" not in steps[0]:
            continue
        intent, action = steps[0]["intent"], steps[1]["action"]
        if intent == FALLBACK_INTENT:
            continue
        if intent not in domain.intents:
            raise ContentError(path, line, f"intent `{intent}` is not in the domain")
        if actions.setdefault(intent, action) != action:
            raise ContentError(path, line, f"intent `{intent}` has two rules")
    return actions


def _steps(path: Path, line: int, rule: Any) -> list[dict[str, Any]]:
    if not isinstance(rule, dict) or set(rule) - RULE_KEYS or not rule.get("steps"):
        raise ContentError(path, line, "a rule has `rule`, `steps` and perhaps `condition`")
    steps: list[dict[str, Any]] = rule["steps"]
    for step in steps:
        if unknown := set(step) - STEP_KEYS:
            raise ContentError(path, line, f"step `{unknown.pop()}` is not supported")
    if "intent" in steps[0] and (len(steps) < 2 or "action" not in steps[1]):
        raise ContentError(path, line, "an intent is followed by an action")
    return steps
