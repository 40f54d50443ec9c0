"""One stretch of speech as a recogniser tells it, again and again until it is final."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

LANGUAGES = ("zh", "en")


class Speaker(StrEnum):
    """Who speaks."""

    CALLER = "caller"
    AGENT = "agent"
    BOT = "bot"


@dataclass(frozen=True)
class Segment:
    """A stretch of speech in revision `rev`; times in milliseconds from the start of the call.

    `language` is a tag such as zh-CN, None where the recogniser tells none; `confidence` is from 0 to 1.
    """

    call: str
    id: str
    rev: int
    speaker: Speaker
    text: str
    final: bool
    start_ms: int | None = None
    end_ms: int | None = None
    language: str | None = None
    confidence: float | None = None

    @property
    def blank(self) -> bool:
        """Whether nothing was said: a recogniser took noise for speech."""
        return not any(char.isalnum() for char in self.text)


def language_of(tag: str | None) -> str | None:
    """One of our languages by its tag, None for none of them."""
    head = (tag or "").lower().replace("_", "-").split("-")[0]
    return {"cmn": "zh", "yue": "zh"}.get(head, head if head in LANGUAGES else None)
