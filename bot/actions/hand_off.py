"""Calling a person."""

from __future__ import annotations

from bot.turn import ActionResult, Outcome, TurnContext


def hand_off(turn: TurnContext) -> ActionResult:
    """Queue the citizen for an agent and tell the place; asking again keeps the place."""
    ticket = turn.handoffs.join(turn.sender, turn.language, turn.now)
    response = "utter_handoff" if ticket.fresh else "utter_handoff_again"
    message = turn.say(response, ticket=ticket.number, ahead=ticket.ahead)
    return ActionResult(Outcome.HANDOFF, (message,))
