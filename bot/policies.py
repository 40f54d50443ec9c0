"""What to do next: ordered policies, the first that decides wins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from rapidfuzz import fuzz

from bot.actions.answer_service import CHOICE_SERVICE, is_new_topic, search
from bot.actions.demand_form import CONFIRM, DEMAND_FORM
from bot.nlu.parse import DANGER
from bot.nlu.said import content_of, kept_and_negated, opens_with_command, short_answer
from bot.turn import TurnContext
from knowledge.catalogue import Kind
from knowledge.normal import normalise
from knowledge.retriever import Verdict

DANGER_MID_FORM = 0.6
HAND_OFF = 0.5
DIGRESSION = 0.6
SMALLTALK_DIGRESSION = 0.7
CASE_DIGRESSION = 0.75
UNSURE = 0.35
TITLE_MATCH = 88
SMALLTALK = {
    "greet": "utter_greet",
    "goodbye": "utter_goodbye",
    "thank": "utter_thank",
    "bot_challenge": "utter_bot_challenge",
    "capabilities": "utter_capabilities",
    "repeat": "action_repeat",
    "switch_language": "action_switch_language",
}
CASE_INTENTS = {
    "case_status": "action_case_status",
    "hasten_case": "action_hasten_case",
    "withdraw_case": "action_withdraw_case",
}
CASE_CHANGES = ("hasten_case", "withdraw_case", "supplement_case", "reopen_case")
ORDINALS = {
    "1": 0, "一": 0, "第一": 0, "first": 0, "one": 0, "2": 1, "二": 1, "第二": 1, "second": 1, "two": 1,
    "3": 2, "三": 2, "第三": 2, "third": 2, "three": 2, "4": 3, "四": 3, "第四": 3, "fourth": 3, "four": 3,
    "5": 4, "五": 4, "第五": 4, "fifth": 4, "five": 4, "最后": -1, "last": -1, "前者": 0, "former": 0, "后者": 1, "latter": 1,
}  # fmt: skip
ORDINAL_WORDS = (
    "个",
    "项",
    "种",
    "条",
    "一个",
    "the",
    "one",
    "option",
    "number",
    "no.",
    "选",
    "是",
    "我",
    "要",
    "please",
    "choice",
    "它",
    "那",
    "请",
    "是的",
    "第",
)


@dataclass(frozen=True)
class Decision:
    """The action to run; `digression` when the running form's question follows it."""

    action: str
    digression: bool = False
    choice: str | None = None


class Policy(Protocol):
    """Decides on an action, or leaves it to the next policy."""

    def __call__(self, turn: TurnContext) -> Decision | None: ...


def safety(turn: TurnContext) -> Decision | None:
    """Danger comes before everything."""
    danger = turn.parse.danger
    running = turn.tracker.active_form is not None
    if danger.share < (DANGER_MID_FORM if running else DANGER) or turn.parse.payload is not None:
        return None
    if running and short_answer(turn.message.text):
        return None
    return Decision("action_crisis" if danger.kind.startswith("crisis") else "action_emergency")


def person(turn: TurnContext) -> Decision | None:
    """A person asked for is honoured in every state."""
    if turn.parse.intent == "hand_off" and turn.parse.confidence >= HAND_OFF:
        return Decision("action_hand_off")
    return None


def choice(turn: TurnContext) -> Decision | None:
    """An answer to a clarifying question: by number, by words, by button, or none of them."""
    choices = turn.tracker.slot("choices")
    if not choices:
        return None
    purpose = turn.tracker.slot("choice_purpose")
    picked = _picked(turn, choices, purpose)
    if picked is not None:
        return Decision("action_choose", choice=picked)
    act = short_answer(turn.message.text)
    if act == "neither" or (turn.parse.intent == "neither" and turn.parse.confidence > 0.5):
        return Decision("utter_tell_more")
    if turn.tracker.active_form is not None:
        return None
    if act in ("deny", "skip", "cancel"):
        return Decision("utter_tell_more")
    return Decision("action_choose", choice=choices[0]) if act == "affirm" else None


def form(turn: TurnContext) -> Decision | None:
    """A running form: cancelling, digressions, and else the next answer."""
    name = turn.tracker.active_form
    if name is None:
        return None
    parse, act = turn.parse, short_answer(turn.message.text)
    if act == "cancel" or (
        parse.intent == "cancel" and parse.confidence > 0.6 and not kept_and_negated(parse.entities, parse.text)[0]
    ):
        return Decision("action_cancel_form")
    if parse.payload is not None and parse.intent in ("ask_service", "ask_detail"):
        return Decision(
            "action_answer_service" if "service" in parse.payload else "action_answer_detail", digression=True
        )
    if act is None and not _answers(turn):
        if parse.intent in SMALLTALK and parse.confidence >= SMALLTALK_DIGRESSION:
            return Decision(SMALLTALK[parse.intent], digression=True)
        if (
            parse.intent in CASE_INTENTS
            and parse.confidence >= CASE_DIGRESSION
            and turn.tracker.requested_slot != "description"
        ):
            return Decision(CASE_INTENTS[parse.intent], digression=True)
        if _asks_service(turn):
            return Decision(
                "action_answer_detail" if parse.intent == "ask_detail" else "action_answer_service", digression=True
            )
    return Decision("demand_form" if name == DEMAND_FORM else "action_take_supplement")


def not_understood_language(turn: TurnContext) -> Decision | None:
    """A language the assistant does not speak."""
    if turn.parse.detected.language == "other" and turn.parse.payload is None:
        return Decision("utter_other_language")
    return None


class Rules:
    """Intent to action, as rules.yml says, once the message is sure enough and search agrees."""

    def __init__(self, actions: Mapping[str, str]) -> None:
        self._actions = actions

    def __call__(self, turn: TurnContext) -> Decision:
        intent = _settled_intent(turn)
        return Decision(self._actions.get(intent, "action_answer_service"))


def _settled_intent(turn: TurnContext) -> str:
    """The intent after weighing asking, filing and out-of-scope against what search finds."""
    parse = turn.parse
    if parse.payload is not None:
        return parse.intent
    act = short_answer(turn.message.text)
    if act is not None and act != "skip":
        return "deny" if act == "neither" else act
    if turn.tracker.slot("case_number") and opens_with_command(turn.message.text, "supplement_case"):
        return "supplement_case"
    ask, file = parse.probability("ask_service", "ask_detail"), parse.probability("file_demand")
    if (
        opens_with_command(turn.message.text, "file_demand")
        and content_of(turn.message.text, parse, "file_demand") is None
    ):
        return "file_demand"
    if parse.first("case_number") and parse.intent not in CASE_CHANGES:
        return "case_status"
    if (
        parse.intent in ("ask_service", "ask_detail", "file_demand", "out_of_scope", "inform", "correct")
        or parse.confidence < UNSURE
    ):
        return _by_search(turn, ask, file)
    return parse.intent


def _by_search(turn: TurnContext, ask: float, file: float) -> str:
    parse = turn.parse
    found = search(turn)
    outside = parse.probability("out_of_scope")
    if outside > max(ask, file) and (outside > 0.75 or found.verdict is not Verdict.ANSWERED or found.similarity < 0.6):
        return "out_of_scope"
    if parse.intent == "ask_detail" and turn.tracker.slot("service_code"):
        return "ask_detail"
    if parse.intent in ("inform", "correct") and turn.tracker.slot("service_code"):
        return "ask_detail"
    demand_found = found.best.service.kind is Kind.DEMAND
    lean = 0.15 if demand_found else -0.15
    if file + lean > ask and file > 0.2:
        return "file_demand"
    if parse.intent == "ask_detail" and not turn.tracker.slot("service_code"):
        return "ask_detail"
    return "ask_service"


def _picked(turn: TurnContext, choices: list[str], purpose: str | None) -> str | None:
    """The choice a message names."""
    if turn.parse.payload is not None:
        wanted = turn.parse.payload.get("service")
        return wanted if wanted in choices else None
    text = normalise(turn.message.text).text.strip(" .,!?，。！？)）、")
    place = _ordinal(text)
    if place is not None:
        return choices[place] if -1 <= place < len(choices) else None
    for code in choices:
        if code.lower() in text.split() or code.lower() == text:
            return code
    if purpose != CHOICE_SERVICE or len(text) > 40:
        return None
    titles = {code: [normalise(name).text for name in _names(turn, code)] for code in choices}
    scored = sorted(
        ((max(fuzz.ratio(text, name) for name in names), code) for code, names in titles.items()), reverse=True
    )
    if scored[0][0] >= TITLE_MATCH:
        return scored[0][1]
    if len(text) > 6 and search(turn).best.service.code not in choices:
        return None
    found = turn.retriever.search(turn.parse.canonical, turn.parse.vector, among=choices)
    distinct = len(found.hits) < 2 or found.best.score > 0.75
    return found.best.service.code if distinct and found.similarity > 0.45 and len(text) <= 24 else None


def _names(turn: TurnContext, code: str) -> tuple[str, ...]:
    service = turn.catalogue[code]
    return (service.name.zh, service.name.en, service.everyday_name.zh, service.everyday_name.en)


def _ordinal(text: str) -> int | None:
    for word in ORDINAL_WORDS:
        text = text.replace(word, " ") if not word.isascii() else " ".join(w for w in text.split() if w != word)
    text = text.strip()
    return ORDINALS.get(text)


def _answers(turn: TurnContext) -> bool:
    """Whether the message holds a value the form can take and no question."""
    values = turn.parse.all("location", "time", "phone", "email")
    asks = turn.parse.probability("ask_service", "ask_detail") > 0.8
    return bool(values) and not asks


def _asks_service(turn: TurnContext) -> bool:
    parse = turn.parse
    bar = 0.85 if turn.tracker.requested_slot == "description" else DIGRESSION
    if parse.probability("ask_service", "ask_detail") < bar:
        return False
    if (
        turn.tracker.requested_slot == CONFIRM
        and parse.intent == "ask_detail"
        and not turn.tracker.slot("service_code")
    ):
        return False
    found = search(turn)
    if parse.intent == "ask_detail" and turn.tracker.slot("service_code") and not is_new_topic(turn, found):
        return True
    return (
        found.verdict is not Verdict.NO_SERVICE and found.best.service.kind is Kind.SERVICE and found.similarity > 0.4
    )
