"""Why a turn is worth learning from, read from its answer as it was stored."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any

from bot.domain import Domain
from bot.nlu.said import short_answer
from bot.turn import Outcome
from knowledge.normal import normalise

LOW_SHARE = 0.5
UNSURE_OUTSIDE = 0.7
LEAST_LETTERS, LEAST_HAN = 4, 2
HAN = "\u3400"
OFFERED = re.compile(r'"service": "(\w+)"')
REFUSABLE = (Outcome.ANSWERED, Outcome.CLARIFY)
LEARNT_FROM = (Outcome.ANSWERED, Outcome.CLARIFY, Outcome.NO_SERVICE, Outcome.OUT_OF_SCOPE, Outcome.SMALLTALK)


class Reason(StrEnum):
    """What went wrong, or may have."""

    NO_SERVICE = "no_service"
    OUTSIDE_UNSURE = "outside_unsure"
    UNCLEAR = "unclear"
    LOW_SHARE = "low_share"
    NEITHER = "neither"
    RATED_BAD = "rated_bad"


def tells_something(text: str) -> bool:
    """Whether a message is a citizen's own words of some length: no button, no short answer, no number."""
    letters = [char for char in text if char.isalpha()]
    long_enough = len(letters) >= (LEAST_LETTERS if all(char < HAN for char in letters) else LEAST_HAN)
    return long_enough and not text.startswith("/") and short_answer(text) is None


def reason_of(answer: list[dict[str, Any]], domain: Domain) -> Reason | None:
    """Why a turn should be looked at by an editor, None when it went as it should."""
    turn = answer[-1]["custom"]["turn"]
    match turn["outcome"]:
        case Outcome.NO_SERVICE:
            return Reason.NO_SERVICE
        case Outcome.OUT_OF_SCOPE if turn["intent"]["confidence"] < UNSURE_OUTSIDE:
            return Reason.OUTSIDE_UNSURE
        case Outcome.ANSWERED if turn["services"] and turn["services"][0]["score"] < LOW_SHARE:
            return Reason.LOW_SHARE
        case Outcome.CLARIFY if _says(answer, "utter_what_need", turn["language"], domain):
            return Reason.UNCLEAR
    return None


def refuses(answer: list[dict[str, Any]], domain: Domain) -> bool:
    """Whether a turn took up that nothing of what the turn before it offered or told was meant."""
    return _says(answer, "utter_tell_more", answer[-1]["custom"]["turn"]["language"], domain)


def refused_services(answer: list[dict[str, Any]], reason: Reason) -> set[str]:
    """The codes of services that the citizen did not want: the one told, or those that were offered."""
    turn = answer[-1]["custom"]["turn"]
    if reason not in (Reason.NEITHER, Reason.RATED_BAD):
        return set()
    if turn["outcome"] == Outcome.ANSWERED:
        return {service["code"] for service in turn["services"][:1]}
    payloads = [button["payload"] for bubble in answer for button in bubble.get("buttons", ())]
    return {found[1] for payload in payloads if (found := OFFERED.search(payload))}


def _says(answer: list[dict[str, Any]], response: str, language: str, domain: Domain) -> bool:
    """Whether an answer is a response of the domain, in whatever script it was written."""
    wording = domain.responses[response][language]
    return any(normalise(bubble.get("text", "")).text == normalise(wording.text).text for bubble in answer)
