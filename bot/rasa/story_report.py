"""What came of test stories, in the files Rasa writes: story_report.json, failed_test_stories.yml and their like."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from bot.rasa.classification import classification, with_confusions
from bot.rasa.events import ActionExecuted, ActiveLoop, SlotSet, UserUttered
from bot.rasa.story_play import Mark, StepResult, StoryResult, TurnResult
from bot.rasa.training_data import FULL_INTENT

# Policies that remember; what they foretell stands in the training data.
REMEMBERING = ("RulePolicy", "MemoizationPolicy", "AugmentedMemoizationPolicy")
NO_ENTITY = "None"
NO_FAILURES = "# None of the test stories failed - all good!"
NO_SUCCESSES = "# None of the test stories succeeded :("
NO_WARNINGS = "# No warnings for test stories"
Mapped = Mapping[str, Any]


@dataclass(frozen=True)
class Summary:
    """The figures Rasa prints: of whole conversations, and of actions (with intents and entities where understood)."""

    stories: int
    passed: int
    actions: int
    accuracy: float
    precision: float
    f1: float
    in_data: float

    @property
    def right_actions(self) -> int:
        """As many of the actions as the accuracy stands for."""
        return int(self.actions * self.accuracy)


def action_report(results: Sequence[StoryResult]) -> dict[str, Any]:
    """The content of story_report.json."""
    report = classification(*_labels(results))
    if results:
        passed = sum(result.passed for result in results)
        report["conversation_accuracy"] = {
            "accuracy": passed / len(results),
            "correct": passed,
            "with_warnings": 0,
            "total": len(results),
        }
    return report


def summary(results: Sequence[StoryResult]) -> Summary:
    """The figures to print."""
    report = action_report(results)
    weighted = report.get("weighted avg", {})
    steps = [step for result in results for step in result.steps]
    in_data = sum(step.policy in REMEMBERING for step in steps)
    return Summary(
        len(results),
        sum(result.passed for result in results),
        len(steps),
        report.get("accuracy", 0.0),
        weighted.get("precision", 0.0),
        weighted.get("f1-score", 0.0),
        in_data / len(steps) if steps else 0.0,
    )


def intent_report(pairs: Sequence[tuple[str, str | None]]) -> dict[str, Any]:
    """The content of intent_report.json: of each intent told and found how well it is understood."""
    targets = [target for target, _ in pairs]
    found = [found or "" for _, found in pairs]
    return with_confusions(classification(targets, found), targets, found)


def _labels(results: Sequence[StoryResult]) -> tuple[list[str], list[str]]:
    """All targets and what was found for them: actions, then intents, then entities."""
    steps = [step for result in results for step in result.steps]
    turns = [turn for result in results for turn in result.turns]
    entities = list(_entity_pairs(turns))
    targets = [step.expected for step in steps] + [turn.intent or "" for turn in turns] + [one for one, _ in entities]
    found = [step.found for step in steps] + [turn.found or "" for turn in turns] + [one for _, one in entities]
    return targets, found


def _entity_pairs(turns: Sequence[TurnResult]) -> Iterator[tuple[str, str]]:
    """The entities of each wording side by side, by where they stand in it."""
    told: dict[str, list[Mapped]] = defaultdict(list)
    found: dict[str, list[Mapped]] = defaultdict(list)
    for turn in turns:
        if turn.text is not None:
            told[turn.text] += turn.entities
            found[turn.text] += turn.found_entities
    for text in sorted(told):
        ours, theirs = sorted(told[text], key=_start), sorted(found[text], key=_start)
        while ours or theirs:
            place = min(_span(marks[0]) for marks in (ours, theirs) if marks)
            one = ours.pop(0) if ours and _span(ours[0]) == place else None
            other = theirs.pop(0) if theirs and _span(theirs[0]) == place else None
            yield _marked(text, [one]) if one else NO_ENTITY, _marked(text, [other]) if other else NO_ENTITY


def _start(mark: Mapped) -> int:
    return int(mark["start"])


def _span(mark: Mapped) -> tuple[int, int]:
    return int(mark["start"]), int(mark["end"])


# ---- stories as YAML ----


def failed_yaml(results: Sequence[StoryResult], source: Callable[[StoryResult], str]) -> str:
    """failed_test_stories.yml: the stories that failed, with what was foretold behind what they tell."""
    return _written([result for result in results if not result.passed], source, NO_FAILURES)


def passed_yaml(results: Sequence[StoryResult], source: Callable[[StoryResult], str]) -> str:
    """successful_test_stories.yml."""
    return _written([result for result in results if result.passed], source, NO_SUCCESSES)


def warnings_yaml(results: Sequence[StoryResult]) -> str:
    """stories_with_warnings.yml: always empty, as UnexpecTEDIntentPolicy never foretells here."""
    return NO_WARNINGS


def _written(results: Sequence[StoryResult], source: Callable[[StoryResult], str], nothing: str) -> str:
    if not results:
        return nothing
    lines = ['version: "3.1"', "stories:"]
    for result in results:
        lines.append(f"- story: {_scalar(f'{result.name} ({source(result)})')}")
        steps = [line for mark in result.marks for line in _step(mark)]
        lines += ["  steps:", *steps] if steps else ["  steps: []"]
    return "\n".join(lines) + "\n"


def _step(mark: Mark) -> list[str]:
    if isinstance(mark, StepResult):
        waits = mark.passed and mark.expected == "action_listen"
        return [] if waits else [f"  - action: {_scalar(mark.expected)}{_foretold(mark)}"]
    if isinstance(mark, TurnResult):
        return _turn(mark)
    if isinstance(mark, ActionExecuted):
        return [f"  - action: {_scalar(mark.name)}"]
    if isinstance(mark, UserUttered):
        intent = mark.parse_data["intent"]
        name = intent.get(FULL_INTENT) or intent["name"]
        return [f"  - intent: {_scalar(name)}", *_entities([(one, "") for one in mark.entities])]
    if isinstance(mark, ActiveLoop):
        return [f"  - active_loop: {_scalar(mark.name)}"]
    return ["  - slot_was_set:", *_slot(mark)] if isinstance(mark, SlotSet) else []


def _slot(mark: SlotSet) -> list[str]:
    """A slot and its value; what a list or mapping holds stands in lines of its own."""
    whole: str = yaml.safe_dump({mark.name: mark.value}, allow_unicode=True, width=float("inf"), sort_keys=False)
    first, *more = whole.splitlines()
    return [f"    - {first}", *(f"      {line}" for line in more)]


def _foretold(step: StepResult) -> str:
    return "" if step.passed else f"  # predicted: {step.found}"


def _turn(turn: TurnResult) -> list[str]:
    """A turn; where it was understood otherwise, what was understood stands behind it."""
    if turn.passed:
        entities = [(one, "") for one in turn.told_entities]
        return [f"  - intent: {_scalar(turn.intent)}", *_entities(entities)]
    told = [
        (one, f"  # predicted: {other['entity']}: {other['value']}" if other["entity"] != one["entity"] else "")
        for one in turn.entities
        for other in turn.found_entities
        if other.get("start") == one.get("start")
    ]
    comment = ""
    if turn.found != turn.intent or not told:
        comment = f"  # predicted: {turn.found}: {_annotated(turn.text or '', turn.found_entities)}"
    listed = _entities(told) or (["    entities: []"] if turn.entities else [])
    return [f"  - intent: {_scalar(turn.intent)}{comment}", *listed]


def _entities(marks: Sequence[tuple[Mapped, str]]) -> list[str]:
    if not marks:
        return []
    return ["    entities:", *(f"    - {_item(mark['entity'], mark['value'])}{comment}" for mark, comment in marks)]


def _item(name: str, value: object) -> str:
    """`name: value`; a list or mapping as value in one line."""
    return f"{_scalar(name)}: {_scalar(value)}"


def _scalar(value: object) -> str:
    style = '"' if isinstance(value, str) and "\n" in value else None
    text: str = yaml.safe_dump(
        value, allow_unicode=True, width=float("inf"), default_flow_style=True, default_style=style
    )
    return text.removesuffix("\n").removesuffix("\n...")


def _annotated(text: str, marks: Sequence[Mapped]) -> str:
    """The text with its entities written into it; a shortcut names them already."""
    if text.startswith("/"):
        return text
    spans: dict[int, list[Mapped]] = defaultdict(list)
    for mark in marks:
        if "start" in mark and "end" in mark:
            spans[_start(mark)].append(mark)
    written, at = "", 0
    for start, here in sorted(spans.items()):
        written += text[at:start] + _marked(text, here)
        at = _span(here[0])[1]
    return written + text[at:]


def _marked(text: str, marks: Sequence[Mapped]) -> str:
    """The part of a text that entities mark, written with them."""
    start, end = _span(marks[0])
    bodies = [_attributes(mark, text[start:end]) for mark in marks]
    if len(bodies) > 1:
        body = f"[{', '.join(map(json.dumps, bodies))}]"
    else:
        body = json.dumps(bodies[0]) if len(bodies[0]) > 1 else f"({marks[0]['entity']})"
    return f"[{text[start:end]}]{body}"


def _attributes(mark: Mapped, words: str) -> dict[str, Any]:
    value = mark.get("value")
    body = {"entity": mark["entity"], "role": mark.get("role"), "group": mark.get("group")}
    body["value"] = None if value and value == words else value
    return {key: one for key, one in body.items() if one is not None}
