"""What a citizen is told of own cases beside the answer, once: the call-back, and what the office decided."""

from __future__ import annotations

from dataclasses import replace

from bot.cases.notices import CALLED_BACK, Notice, Notices
from bot.channels.notices import news_of
from bot.messages import BotMessage
from bot.turn import ActionResult, Outcome, TurnContext

# Answers that nothing may be added to: danger, and questions that wait for their own answer.
UNDISTURBED = frozenset({Outcome.EMERGENCY, Outcome.CRISIS, Outcome.FORM_QUESTION, Outcome.CLARIFY, Outcome.HANDOFF})


def with_notices(turn: TurnContext, result: ActionResult, notices: Notices) -> ActionResult:
    """The result of a turn with what the sender was not told yet."""
    if result.outcome in UNDISTURBED or turn.tracker.active_form is not None:
        return result
    pending = [one for one in notices.pending(turn.sender, turn.now) if notices.told(one, turn.now)]
    if not pending:
        return result
    called = [one for one in pending if one.event.kind == CALLED_BACK]
    events = (turn.slot("rate_number", called[-1].case.number),) if called else ()
    rated = [
        one for one in pending if one.event.kind != CALLED_BACK or turn.closing.progress(one.case, turn.now).rateable
    ]
    return replace(
        result,
        messages=(*result.messages, *(_message(turn, one) for one in rated)),
        events=(*result.events, *events),
        follows=result.follows + len(rated),
    )


def _message(turn: TurnContext, notice: Notice) -> BotMessage:
    shown = notice.shown
    if notice.event.kind == CALLED_BACK:
        return turn.say(
            "utter_call_back",
            number=notice.case.number,
            reply=shown.handling.reply or "",
            unit=turn.telling.unit(shown.handling.unit),
        )
    news = news_of(notice.event.kind, notice.case, shown, turn.telling)
    said = turn.say("utter_notice_beside", notice=news)
    # The note is the office's own words, which only the citizen's own conversation shows.
    return replace(said, text="\n".join((said.text, notice.event.note))) if notice.event.note else said
