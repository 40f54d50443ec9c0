"""Cutting a message at the places where a second request may begin ("…, and by the way …")."""

from __future__ import annotations

import re
from functools import lru_cache

from bot.cases.boundaries import find_boundaries
from bot.nlu.aspects import aspects_of
from bot.nlu.parse import QUESTION
from bot.nlu.said import opens_with_command
from knowledge.normal import canonical

MAX_PIECES = 4
WANTS = re.compile(
    r"想(?:要|办|问|查|申请|知道)|要(?:办|查|申请|补|换)|需要|申请|补办|"
    r"\b(?:i (?:need|want|would like)|i'd like|tell me|help me)\b"
)


@lru_cache(maxsize=256)
def pieces_of(text: str) -> tuple[str, ...]:
    """The parts of a text that may be requests of their own, in order; one part when there is no such place.

    A strong connector always cuts; another boundary does where both sides ask for something.
    """
    pieces: list[str] = []
    start = 0
    boundaries = find_boundaries(text)
    for number, boundary in enumerate(boundaries):
        end = boundaries[number + 1].start if number + 1 < len(boundaries) else len(text)
        before, after = text[start : boundary.start], text[boundary.end : end]
        if (boundary.strength == "strong" and boundary.connector) or (_requests(before) and _requests(after)):
            pieces.append(before.strip())
            start = boundary.end
    pieces.append(text[start:].strip())
    kept = tuple(piece for piece in pieces if piece)
    return kept if len(kept) <= MAX_PIECES else (text,)


def _requests(piece: str) -> bool:
    """Whether a part of a text asks for something by itself."""
    clean = canonical(piece)
    asks = QUESTION.search(clean) or WANTS.search(clean) or piece.rstrip().endswith(("?", "？"))
    return bool(asks or aspects_of(clean) or opens_with_command(piece, "file_demand"))
