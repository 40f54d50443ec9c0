"""An answer as a voice tells it: bubbles in speakable text, choices with the digit to press, cut into sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain import Domain
from bot.phone.speakable import Links, speakable
from knowledge.normal import normalise

SENTENCE = re.compile(r"(?<=[。！？!?；;])|(?<=[.]) (?=[A-Z])")
MOST_DIGIT = 9
LEAST_CHARS = 12


@dataclass(frozen=True)
class Speech:
    """What is said, in sentences, and the language it is in."""

    sentences: tuple[str, ...]
    language: str

    @property
    def text(self) -> str:
        """All of it."""
        return ("" if self.language == "zh" else " ").join(self.sentences)


def speech_of(answer: Sequence[dict[str, Any]], language: str, domain: Domain) -> Speech:
    """The speech of an answer's bubbles."""
    links = Links(domain.text("utter_phone_government_site", language), domain.text("utter_phone_site", language))
    told: list[str] = []
    place = 0
    for bubble in answer:
        text = str(bubble.get("text") or "")
        told.append(text)
        for button in bubble.get("buttons", ()):
            place += 1
            if place <= MOST_DIGIT and not _told(str(button["title"]), text):
                told.append(domain.text("utter_phone_choice", language, title=button["title"], digit=place))
    said = speakable("\n".join(told), language, links)
    return Speech(sentences(said), language)


def sentences(text: str) -> tuple[str, ...]:
    """The text in pieces that a voice can begin with while the rest is on its way; short ones stay together."""
    found: list[str] = []
    for part in (part.strip() for part in SENTENCE.split(text)):
        if not part:
            continue
        if found and len(found[-1]) < LEAST_CHARS:
            found[-1] += ("" if found[-1][-1] in "。！？；" else " ") + part
        else:
            found.append(part)
    return tuple(found)


def _told(title: str, text: str) -> bool:
    """Whether a numbered list of the text has a choice already."""
    wanted = normalise(title).text
    return any(
        normalise(line).text.lstrip("0123456789.、) ").startswith(wanted) and line.lstrip()[:1].isdigit()
        for line in text.splitlines()
    )
