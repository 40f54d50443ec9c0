"""What policies foretell, and which of them is followed: confidence first, then the policy's priority."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from bot.rasa.domain import LISTEN
from bot.rasa.events import ActionExecuted, ActionExecutionRejected, Event, LoopInterrupted, UserFeaturization
from bot.rasa.states import RuleOnly
from bot.rasa.tracker import Tracker

T = TypeVar("T")


@dataclass(frozen=True)
class Prediction:
    """One policy's next action; None (confidence 0) where it has none. `no_user` is a form's own turn.

    `otherwise` is what the policy would do second, where the first was rejected.
    """

    policy: str | None
    priority: int
    action: str | None
    confidence: float
    events: tuple[Event, ...] = ()
    no_user: bool = False
    hide_rule_turn: bool = False
    otherwise: tuple[str | None, float] = (None, 0.0)

    @property
    def chosen(self) -> str:
        """The action; with none foretold Rasa takes the first of all, which is to listen."""
        return self.action or LISTEN


class Policy(Protocol):
    """Something that foretells actions; `RulePolicy`, `MemoizationPolicy` and `AugmentedMemoizationPolicy`."""

    def predict(self, tracker: Tracker, rule_only: RuleOnly) -> Prediction:
        """The next action."""
        ...


def choose(predictions: Sequence[Prediction], tracker: Tracker) -> Prediction:
    """The prediction that is followed, with the events of all."""
    rejected = next(
        (e for e in reversed(tracker.events) if isinstance(e, ActionExecuted | ActionExecutionRejected)), None
    )
    if isinstance(rejected, ActionExecutionRejected):
        predictions = [_without(prediction, rejected.name) for prediction in predictions]
    no_user = any(prediction.no_user for prediction in predictions)
    fitting = [prediction for prediction in predictions if prediction.no_user == no_user]
    best = max(fitting, key=lambda prediction: (prediction.confidence, prediction.priority))
    events = tuple(event for prediction in predictions for event in prediction.events)
    if tracker.latest_action == LISTEN:
        events += (UserFeaturization(False),)
    return replace(best, events=events)


def _without(prediction: Prediction, rejected: str) -> Prediction:
    if prediction.action != rejected:
        return prediction
    action, confidence = prediction.otherwise if prediction.otherwise[0] != rejected else (None, 0.0)
    return replace(prediction, action=action, confidence=confidence)


def interrupted() -> tuple[Event, ...]:
    """What tells a form that another turn came between."""
    return (LoopInterrupted(True),)


def foretold(once: Callable[[Tracker], tuple[str | None, T]], tracker: Tracker, expected: str) -> tuple[str | None, T]:
    """What is foretold of a conversation that a story tells, where no action runs.

    Where the running form is foretold and the story does something else, the form would have rejected the turn: so it
    is noted in the tracker, and foretold again.
    """
    action, more = once(tracker)
    loop = tracker.active_loop
    if loop is None or action == expected or action != loop:
        return action, more
    tracker.update(ActionExecutionRejected(loop))
    return once(tracker)
