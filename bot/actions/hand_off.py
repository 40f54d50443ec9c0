"""Calling a person: a place in the queue, or a call back when nobody is there."""

from __future__ import annotations

from datetime import datetime

from bot.desk.talks import MESSENGER, Reason
from bot.handoffs import Ticket
from bot.messages import BotMessage
from bot.staff.views import masked_contact
from bot.tracker import Event
from bot.turn import ActionResult, Outcome, TurnContext

OPENING_FORMAT = "%m-%d %H:%M"
ASKED = "call_back_asked"
# Turns in which a person asked for after a word on danger comes first.
CAUTION_HOLDS = 2


def hand_off(turn: TurnContext) -> ActionResult:
    """Queue the citizen for an agent and tell the place; asking again keeps the place."""
    opens = turn.hours.opens_after(turn.now)
    _, at = turn.tracker.slot("cautioned") or (None, None)
    danger = bool(turn.tracker.slot("alarmed")) or (at is not None and turn.tracker.turns - at <= CAUTION_HOLDS)
    ticket = _joined(turn, opens, danger)
    if opens is None:
        response = "utter_handoff" if ticket.fresh else "utter_handoff_again"
        message = turn.say(response, ticket=ticket.number, ahead=ticket.ahead)
        return ActionResult(Outcome.HANDOFF, (message,))
    return _called_back(turn, ticket, opens)


def in_danger(turn: TurnContext) -> ActionResult:
    """The same for somebody in danger, who comes first."""
    opens = turn.hours.opens_after(turn.now)
    ticket = _joined(turn, opens, danger=True)
    if opens is None:
        return ActionResult(Outcome.HANDOFF, (turn.say("utter_handoff", ticket=ticket.number, ahead=ticket.ahead),))
    if (known := _known(turn, ticket)) is not None:
        turn.handoffs.call_back(turn.sender, known)
    return ActionResult(Outcome.HANDOFF, (turn.say("utter_call_back_noted", **_opening(turn, opens)),))


def take_call_back(turn: TurnContext) -> ActionResult:
    """The number to call, or that no call is wanted."""
    number = turn.parse.first("phone")
    forget = turn.slot(ASKED, None)
    turn.handoffs.call_back(turn.sender, number.value if number else None)
    if number is None:
        return ActionResult(Outcome.HANDOFF, (turn.say("utter_call_back_none"),), (forget,))
    opens = turn.hours.opens_after(turn.now)
    if opens is None:
        return ActionResult(Outcome.HANDOFF, (_kept(turn, number.value),), (forget,))
    return ActionResult(Outcome.HANDOFF, (_kept(turn, number.value, opens),), (forget,))


def _joined(turn: TurnContext, opens: datetime | None, danger: bool) -> Ticket:
    reason = Reason.ASKED if opens is None else Reason.CALL_BACK
    return turn.handoffs.join(turn.sender, turn.language, turn.now, reason, danger)


def _called_back(turn: TurnContext, ticket: Ticket, opens: datetime) -> ActionResult:
    known = _known(turn, ticket)
    if known is None:
        asked: Event = turn.slot(ASKED, turn.tracker.turns + 1)
        return ActionResult(Outcome.HANDOFF, (turn.say("utter_call_back_ask", **_opening(turn, opens)),), (asked,))
    turn.handoffs.call_back(turn.sender, known)
    if known == MESSENGER:
        return ActionResult(Outcome.HANDOFF, (turn.say("utter_call_back_here", **_opening(turn, opens)),))
    return ActionResult(Outcome.HANDOFF, (_kept(turn, known, opens),))


def _known(turn: TurnContext, ticket: Ticket) -> str | None:
    """Where the citizen can be called back, without asking."""
    phone = turn.parse.first("phone")
    told = phone.value if phone else ticket.call_back_to or turn.tracker.slot("contact")
    known = told or turn.message.calls_from
    if known is None and turn.handoffs.writes_by_messenger(turn.sender):
        return MESSENGER
    return None if known is None else str(known)


def _kept(turn: TurnContext, number: str, opens: datetime | None = None) -> BotMessage:
    shown = masked_contact(number)
    if opens is None:
        return turn.say("utter_call_back_soon", number=shown)
    return turn.say("utter_call_back_kept", number=shown, **_opening(turn, opens))


def _opening(turn: TurnContext, opens: datetime) -> dict[str, str]:
    return {"opens": f"{opens:{OPENING_FORMAT}}"}
