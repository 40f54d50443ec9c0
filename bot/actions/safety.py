"""Danger first: the right number before anything else."""

from __future__ import annotations

from bot.turn import ActionResult, Outcome, TurnContext


def emergency(turn: TurnContext) -> ActionResult:
    """Name the number for the kind of emergency; a running form is kept."""
    return _first_aid(turn, Outcome.EMERGENCY)


def crisis(turn: TurnContext) -> ActionResult:
    """Care and help lines first, a person offered; a running form is kept."""
    return _first_aid(turn, Outcome.CRISIS)


def _first_aid(turn: TurnContext, outcome: Outcome) -> ActionResult:
    messages = [turn.say(f"utter_{turn.parse.danger.kind}")]
    if turn.tracker.active_form:
        messages.append(turn.say("utter_resume_after_emergency"))
    return ActionResult(outcome, tuple(messages))
