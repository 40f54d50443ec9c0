"""Saying the last answer once more."""

from __future__ import annotations

from bot.actions.say import utter
from bot.messages import BotMessage, Button
from bot.store import Work
from bot.turn import ActionResult, Outcome, TurnContext

NOTHING = "utter_nothing_to_repeat"


def repeat(turn: TurnContext, work: Work) -> ActionResult:
    """The bubbles of the last answer, with its outcome."""
    last = work.last_answer(turn.message.kept_as)
    if last is None:
        return utter(turn, NOTHING)
    messages = tuple(
        BotMessage(one["text"], tuple(Button(b["title"], b["payload"]) for b in one.get("buttons", ())))
        for one in last
        if one.get("text")
    ) or (turn.say(NOTHING),)
    return ActionResult(Outcome(last[-1]["custom"]["turn"]["outcome"]), messages)
