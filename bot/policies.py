"""What to do next: ordered policies, the first that decides wins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bot.actions.demand_area import AREA
from bot.actions.life_path import wanted_move
from bot.actions.notice_wish import only_stops, wished
from bot.actions.several import requests
from bot.choices import ASKS_ANEW, picked
from bot.context import CHOICE_SERVICE, CHOICE_STEP, PICKED, asks_of_offered, subject_of
from bot.intent import settled
from bot.nlu.emergency_calls import wants_emergency_call
from bot.nlu.entities import find_query_code
from bot.nlu.parse import DANGER, DANGER_MID_FORM
from bot.nlu.persons import elliptic
from bot.nlu.place_wishes import place_wish_of
from bot.nlu.said import (
    says_all_clear,
    short_answer,
)
from bot.nlu.wants_person import asks_person
from bot.turn import TurnContext

DANGER_OVER_CHOICE = 0.8
DANGER_IN_ELLIPSIS = 0.9
ABOVE_ALL = 1.01
FEW_WORDS, SURE_SUBJECT = 3, 0.8
HAND_OFF = 0.5
OWN_MATTER = 0.6
NEITHER = 0.5
CANCEL = 0.6
CODE_WORDS = 6
# Slots of a form that hold a place.
PLACES = ("location", AREA)
SURE_SHARE, SURE_SIMILARITY = 0.6, 0.7
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


@dataclass(frozen=True)
class Decision:
    """The action to run; `digression` when the running form's question follows it.

    With `rest` the action reads only what stays of the message without the words that drop a form, for it goes on.
    """

    action: str
    digression: bool = False
    choice: str | None = None
    rest: bool = False


class Policy(Protocol):
    """Decides on an action, or leaves it to the next policy."""

    def __call__(self, turn: TurnContext) -> Decision | None: ...


def safety(turn: TurnContext) -> Decision | None:
    """Danger comes before everything; an answer to the form's question is no alarm."""
    if turn.parse.payload is not None or not turn.parse.in_danger(danger_bar(turn)):
        return None
    if short_answer(turn.message.text) or (turn.parse.danger.share < DANGER_OVER_CHOICE and choice(turn) is not None):
        return None
    return Decision("action_crisis" if turn.parse.danger.kind.startswith("crisis") else "action_emergency")


def all_clear(turn: TurnContext) -> Decision | None:
    """After an alarm: the word that the danger is over."""
    if not turn.tracker.slot("alarmed") or turn.tracker.active_form is not None:
        return None
    more = turn.parse.asks() or turn.parse.ordinary().intent == "hand_off"
    return Decision("utter_all_clear") if says_all_clear(turn.parse.canonical) and not more else None


def emergency_call(turn: TurnContext) -> Decision | None:
    """The police, an ambulance or the fire brigade to be called: only the citizen can; a running form goes on."""
    wanted = turn.parse.payload is None and wants_emergency_call(turn.message.text)
    return Decision("utter_emergency_numbers", digression=True) if wanted else None


def notices(turn: TurnContext) -> Decision | None:
    """Notices stopped or wished for, and where, in every state; a running form goes on."""
    place_asked = turn.tracker.active_form is not None and turn.tracker.requested_slot in PLACES
    wish = wished(turn) or place_wish_of(turn.message.text, place_asked)
    return Decision("action_notice_wish", digression=True) if wish else None


def language(turn: TurnContext) -> Decision | None:
    """A language the assistant does not speak."""
    if turn.parse.detected.language == "other" and turn.parse.payload is None:
        return Decision("utter_other_language")
    return None


def person(turn: TurnContext) -> Decision | None:
    """A person asked for is honoured in every state."""
    talking = turn.tracker.slot("service_code") or turn.tracker.slot("choices")
    asks_number = talking and "phone" in turn.parse.aspects and not turn.parse.topic
    wanted = turn.parse.intent == "hand_off" and turn.parse.confidence >= HAND_OFF
    # What only sounds like it is a name or a word where something is being asked.
    sounds = turn.tracker.active_form is None and turn.tracker.requested_slot is None
    if (wanted and not asks_number) or (turn.parse.payload is None and asks_person(turn.parse.canonical, sounds)):
        return Decision("action_hand_off")
    return None


def call_back(turn: TurnContext) -> Decision | None:
    """The number to call back, or that no call is wanted, after it was asked for."""
    asked = turn.tracker.slot("call_back_asked")
    if asked is None or turn.parse.payload is not None:
        return None
    at_once, in_form = asked == turn.tracker.turns, turn.tracker.active_form is not None
    unwanted = turn.parse.intent in ("deny", "cancel", "skip") and turn.parse.confidence > CANCEL
    refused = at_once and (short_answer(turn.message.text) in ("deny", "skip") or (unwanted and not in_form))
    # A number in a complaint or a question is that of its own matter.
    own = turn.parse.probability("file_demand", "case_status", "ask_service") >= OWN_MATTER
    if refused or (turn.parse.first("phone") and (at_once or not in_form) and not own):
        return Decision("action_take_call_back", digression=True)
    return None


def identity(turn: TurnContext) -> Decision | None:
    """The query code, sent by itself after it was asked for."""
    asked = turn.tracker.slot("case_number_asked") and not turn.parse.first("case_number")
    if asked and len(turn.message.text.split()) <= CODE_WORDS and find_query_code(turn.message.text, expected=True):
        return Decision("action_case_status")
    return None


def path(turn: TurnContext) -> Decision | None:
    """A move along the guided path under way."""
    if turn.tracker.active_form is None and wanted_move(turn) is not None:
        return Decision("action_move_on_path")
    return None


def choice(turn: TurnContext) -> Decision | None:
    """An answer to a clarifying question."""
    choices = turn.tracker.slot("choices")
    if not choices:
        return None
    named = picked(turn, choices, turn.tracker.slot("choice_purpose"))
    if named is not None:
        return Decision("action_choose", choice=named)
    act = short_answer(turn.message.text)
    if act == "neither" or (turn.parse.intent == "neither" and turn.parse.confidence > NEITHER):
        return Decision("utter_tell_more")
    if turn.tracker.active_form is not None:
        return None
    if turn.parse.canonical.isdigit():
        return Decision("utter_tell_more")
    if act in ("deny", "skip", "cancel") or only_stops(turn):
        return Decision("utter_tell_more")
    if act == "affirm":
        return Decision("action_choose", choice=choices[0])
    if asks_of_offered(turn):
        return Decision("action_answer_detail")
    subject = subject_of(turn) if turn.tracker.slot("choice_purpose") in (CHOICE_SERVICE, CHOICE_STEP) else None
    if subject is not None and subject.code in choices and subject.share >= PICKED:
        return Decision("action_choose", choice=subject.code)
    return None


def several(turn: TurnContext) -> Decision | None:
    """Several requests in one message."""
    if turn.parse.intent in ASKS_ANEW:
        return None
    if turn.parse.payload is None and len(requests(turn)) > 1:
        return Decision("action_several")
    return None


class Rules:
    """Intent to action, as rules.yml says."""

    def __init__(self, actions: Mapping[str, str]) -> None:
        self._actions = actions

    def __call__(self, turn: TurnContext) -> Decision:
        return Decision(self._actions.get(settled(turn), "utter_what_need"))


def danger_bar(turn: TurnContext) -> float:
    """How sure of danger one must be: more so while a form runs or a service is asked on about, most for an ellipsis."""
    talking = turn.tracker.slot("service_code") is not None and (turn.parse.asks() or bool(turn.parse.persons))
    if talking and _names_subject(turn):
        return ABOVE_ALL
    if talking and turn.parse.persons and elliptic(turn.parse.canonical):
        return DANGER_IN_ELLIPSIS
    return DANGER_MID_FORM if talking or turn.tracker.active_form is not None else DANGER


def _names_subject(turn: TurnContext) -> bool:
    """Whether a question of one word only names a service that the talk brings to mind ("gas?")."""
    if len(turn.parse.topic.split()) != 1 or len(turn.parse.canonical.split()) > FEW_WORDS or not turn.parse.asks():
        return False
    subject = subject_of(turn)
    return subject is not None and subject.code is not None and subject.share >= SURE_SUBJECT
