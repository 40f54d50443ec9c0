"""A turn whose words another engine found: what it said becomes our turn, with what no engine may leave out.

Its words count as they are where it tells the machine-readable side of a turn of ours. Plain words are an answer,
unless danger, a wish for a person or one about notices is in the message: those are ours. Where it says nothing, the
citizen is told so and a person is called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot import policies
from bot.actions import hand_off
from bot.actions.notices import with_notices
from bot.assistant import Assistant, Run
from bot.domain import LANGUAGES
from bot.messages import BotMessage, Button, UserMessage
from bot.reply_language import reply_language
from bot.store import Work
from bot.tracker import Mode
from bot.turn import ActionResult, Outcome, TurnContext

# What of a turn another engine may tell; the rest is ours.
TOLD = ("outcome", "language", "intent", "services", "sources", "case", "cases", "active_form", "requested_slot")
OURS = (policies.safety, policies.notices, policies.person)
QUESTION_MARKS = ("?", "？")


@dataclass(frozen=True)
class Said:
    """What another engine said: bubbles, and `turn` where it told the machine-readable side; nothing when it failed."""

    bubbles: tuple[BotMessage, ...] = ()
    turn: Mapping[str, Any] | None = None

    @property
    def words(self) -> str:
        """All it said in one, without the spaces between."""
        return "".join("".join(bubble.text.split()) for bubble in self.bubbles)


def read_said(items: Iterable[Mapping[str, Any]]) -> Said:
    """The bubbles of a REST answer; the turn of ours that stands in one of them is taken out."""
    bubbles: list[BotMessage] = []
    turn: Mapping[str, Any] | None = None
    for item in items:
        custom = item.get("custom")
        custom = dict(custom) if isinstance(custom, Mapping) else {}
        turn = _turn_told(custom.pop("turn", None)) or turn
        if item.get("attachment"):
            custom["attachment"] = item["attachment"]
        buttons = tuple(_button(one) for one in item.get("buttons") or () if isinstance(one, Mapping))
        image = item.get("image")
        text = str(item.get("text") or "")
        if text.strip() or buttons or image or custom:
            bubbles.append(BotMessage(text, buttons, str(image) if image else None, custom))
    return Said(tuple(bubbles), turn)


def run_of(said: Said, acted: Callable[[Work], Sequence[Mapping[str, Any]] | None], native: Run) -> Run:
    """The action of a turn that another engine answered.

    `acted` gives the answer that our own actions gave it for the same message: it stands where the engine failed after
    that, and where its words are the same. `native` runs our own policies.
    """

    def run(turn: TurnContext, work: Work) -> tuple[ActionResult, str]:
        intent = turn.parse.ordinary().intent
        own = read_said(acted(work) or ())
        heard = own if own.turn and (not said.bubbles or own.words == said.words) else said
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
    """Whether another engine has no part in a message: answered before, held by a person, or an answer to ourselves."""
    if len(message.text) > assistant.max_chars or not message.text.strip():
        return True
    parse = assistant.understanding.parse(message.text, message.language_hint)
    with assistant.store.work() as work:
        if work.answer_of(message.kept_as, message.message_id) is not None:
            return True
        now = assistant.clock()
        before, _ = assistant.opened(work.tracker(message.kept_as), work, now)
        language = reply_language(parse, before, message.language_hint)
        turn = assistant.context(message, parse, before, language, work, now, assistant.live)
        return before.mode is Mode.MANUAL or policies.call_back(turn) is not None


def _outcome(said: Said, intent: str) -> Outcome:
    if intent in policies.SMALLTALK:
        return Outcome.SMALLTALK
    last = next((bubble.text.rstrip() for bubble in reversed(said.bubbles) if bubble.text.strip()), "")
    asks = any(bubble.buttons for bubble in said.bubbles) or last.endswith(QUESTION_MARKS)
    return Outcome.CLARIFY if asks else Outcome.ANSWERED


def _turn_told(told: object) -> Mapping[str, Any] | None:
    """The turn of ours in an answer, None for what is none."""
    if (
        not isinstance(told, Mapping)
        or told.get("outcome") not in set(Outcome)
        or told.get("language") not in LANGUAGES
    ):
        return None
    intent = told.get("intent")
    if not isinstance(intent, Mapping) or not isinstance(intent.get("name"), str):
        return None
    return {name: told[name] for name in TOLD if name in told}


def _button(told: Mapping[str, Any]) -> Button:
    title = str(told.get("title") or "")
    return Button(title, str(told.get("payload") or title))
