"""What a message wants beside dropping the running form: read as a message of its own."""

from __future__ import annotations

from dataclasses import replace

from bot.nlu.dropping import dropped, wishes
from bot.tracker import fold
from bot.turn import ActionResult, Outcome, TurnContext

# What answers no wish: thanks, or words that mean nothing alone.
NO_WISH = frozenset({Outcome.SMALLTALK, Outcome.CANCELLED, Outcome.CLARIFY})


def second_wish(turn: TurnContext, result: ActionResult) -> TurnContext | None:
    """The turn of the rest of a message after a form was dropped.

    None when nothing is left, only a reason, or a new form began.
    """
    rest = dropped(turn.message.text)
    if result.outcome is not Outcome.CANCELLED or not rest.drops or rest.bare or rest.explains:
        return None
    parse = turn.understand(rest.rest, turn.language)
    after = fold(turn.tracker, result.events)
    return replace(turn, message=replace(turn.message, text=rest.rest), parse=parse, tracker=after)


def answers_it(rest: TurnContext, result: ActionResult) -> bool:
    """Whether what was made of the rest is worth saying: where it asks for something, a question back too.

    A new form begins only by a command, which dropping the one before looks for itself ("算了，投诉也没用" is none).
    """
    if result.outcome is Outcome.FORM_QUESTION:
        return False
    if not (wishes(rest.message.text) or rest.parse.asks()):
        return result.outcome is Outcome.ANSWERED
    return result.outcome not in NO_WISH or bool(result.hits)
