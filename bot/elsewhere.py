"""A turn whose words another engine found: what it said becomes our turn, with what no engine may leave out.

Its words count as they are where it tells the machine-readable side of a turn of ours. Plain words are an answer,
unless danger, a wish for a person or one about notices is in the message: those are ours. Where it says nothing, the
citizen is told so and a person is called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot import policies
from bot.actions import hand_off
from bot.actions.notices import with_notices
from bot.assistant import Assistant, Run
from bot.messages import BotMessage, UserMessage, behind
from bot.reply_language import reply_language
from bot.said import Said, read_said
from bot.store import Work
from bot.tracker import Mode
from bot.turn import ActionResult, Outcome, TurnContext

OURS = (policies.safety, policies.notices, policies.person)
QUESTION_MARKS = ("?", "？")


def run_of(said: Said, acted: Callable[[Work], Sequence[Mapping[str, Any]] | None], native: Run) -> Run:
    """The action of a turn that another engine answered.

    `acted` gives the answer that our own actions gave it for the same message: it stands where the engine failed after
    that or says plain words, which follow it, and where its words are the same. `native` runs our own policies.
    """

    def run(turn: TurnContext, work: Work) -> tuple[ActionResult, str]:
        intent = turn.parse.ordinary().intent
        own = read_said(acted(work) or ())
        heard = said
        if own.turn is not None and (said.turn is None or not said.bubbles or own.words == said.words):
            heard = Said((*own.bubbles, *said.more_than(own)), own.turn)
        if heard.turn is not None:
            bubbles = heard.bubbles or (BotMessage(""),)
            told = heard.turn
            return ActionResult(Outcome(told["outcome"]), bubbles, told=told), str(told["intent"]["name"])
        if any(policy(turn) is not None for policy in OURS):
            return native(turn, work)
        if not heard.bubbles:
            called = hand_off.hand_off(turn)
            return replace(called, messages=(turn.say("utter_engine_away"), *called.messages)), intent
        return with_notices(turn, ActionResult(_outcome(heard, intent), heard.bubbles), work.notices), intent

    return run


def alone(assistant: Assistant, message: UserMessage) -> bool:
    """Whether another engine has no part in a message: answered before, held by a person, said to us, or danger."""
    if len(message.text) > assistant.max_chars or not message.text.strip():
        return True
    parse = assistant.understanding.parse(message.text, message.language_hint)
    with assistant.store.work() as work:
        if work.answer_of(message.kept_as, message.message_id) is not None:
            return True
        now = assistant.clock()
        before, _ = assistant.opened(work.tracker(message.kept_as), work, now)
        if before.mode is Mode.MANUAL:
            return True
        language = reply_language(parse, before, message.language_hint)
        turn = assistant.context(message, parse, before, language, work, now, assistant.live)
        if any(policy(turn) is not None for policy in (policies.call_back, policies.all_clear)):
            return True
        # What our own actions asked is known behind: an answer to it is no alarm.
        asked, _ = assistant.opened(work.tracker(behind(message.sender)), work, now)
        return policies.safety(replace(turn, tracker=asked) if asked.turns else turn) is not None


def _outcome(said: Said, intent: str) -> Outcome:
    if intent in policies.SMALLTALK:
        return Outcome.SMALLTALK
    last = next((bubble.text.rstrip() for bubble in reversed(said.bubbles) if bubble.text.strip()), "")
    asks = any(bubble.buttons for bubble in said.bubbles) or last.endswith(QUESTION_MARKS)
    return Outcome.CLARIFY if asks else Outcome.ANSWERED
