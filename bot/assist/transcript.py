"""What was said in a call: finished segments of caller and agent, and speech recognition's text made readable."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

HESITATION = re.compile(r"[呃嗯]+|\b(?:uh+|um+|uhm|erm?|hmm+)\b[, ]*", re.I)
GAP = re.compile(
    r"(?<=[\u3400-\u9fff])[ \u3000]+(?=[\u3400-\u9fff])|(?<=\bafter) (?=noon\b)|(?<=\bmid) (?=night\b)|"
    r"(?<=\bweek) (?=ends?\b)|(?<=\bany) (?=body\b|one\b)|(?<=\bland) (?=lord\b)|(?<=\bside) (?=walk\b)"
)
STUTTER = re.compile(r"(我|你|他|这|那|就|在|是|要|想|\b(?:the|i|my|we)\b)(?:[ ,，]*\1(?![a-z']))+", re.I)


class Speaker(StrEnum):
    """Who speaks."""

    CALLER = "caller"
    AGENT = "agent"


@dataclass(frozen=True)
class Segment:
    """One finished stretch of speech; its text never changes again.

    `typed` when a person wrote it rather than a recogniser: then its words are what was meant.
    """

    id: str
    speaker: Speaker
    text: str
    typed: bool = False


@dataclass(frozen=True)
class Heard:
    """A text without hesitations, repeated words and gaps inside Chinese; `origin[i]` is where character i stood."""

    text: str
    origin: tuple[int, ...]
    original: str

    def words(self, start: int, end: int) -> str:
        """The stretch of the original that a stretch of the text came from."""
        return self.original[self.origin[start] : self.origin[end - 1] + 1] if start < end else ""


def heard(text: str) -> Heard:
    """What the readers see of a segment; all of it when only hesitations were said."""
    kept = list(range(len(text)))
    for pattern, whole in ((HESITATION, 0), (GAP, 0), (STUTTER, 1)):
        now = "".join(text[at] for at in kept)
        dropped = {
            at
            for found in pattern.finditer(now)
            for at in range(found.start() + (len(found[1]) if whole else 0), found.end())
        }
        kept = [at for place, at in enumerate(kept) if place not in dropped]
    while kept and text[kept[0]] in " ,，、":
        kept = kept[1:]
    while kept and text[kept[-1]] == " ":
        kept = kept[:-1]
    if not kept:
        return Heard(text, tuple(range(len(text))), text)
    return Heard("".join(text[at] for at in kept), tuple(kept), text)


def with_names(told: Heard, found: Sequence[tuple[int, int, str]]) -> Heard:
    """The text with some stretches (start, end, in order) written as the names they are."""
    text, at = "", 0
    origin: list[int] = []
    for start, end, name in found:
        text += told.text[at:start] + name
        origin += told.origin[at:start]
        origin += [told.origin[start]] * (len(name) - 1) + [told.origin[end - 1]]
        at = end
    return Heard(text + told.text[at:], (*origin, *told.origin[at:]), told.original)
