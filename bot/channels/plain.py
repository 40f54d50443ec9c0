"""Bubbles as a messenger can show them: texts cut at sentence ends, buttons as numbered lines where there are none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.channels.capability import Capabilities
from bot.messages import Button
from knowledge.normal import normalise

# The best place to cut comes first.
CUTS = (re.compile(r"\n+"), re.compile(r"(?<=[。！？!?；;])|(?<=[.]) "), re.compile(r"(?<=[，,、：:])|\s"))
BETWEEN = "\n\n"
NUMBER = re.compile(r"(?:第|no\.? ?|option )?([1-9][0-9]?)(?:个|项|號|号)?[。.!！]?")


@dataclass(frozen=True)
class Piece:
    """One message that fits the messenger; only the last of a bubble has its buttons or its picture."""

    text: str
    buttons: tuple[Button, ...] = ()
    image: str | None = None


def pieces_of(bubbles: Sequence[dict[str, Any]], able: Capabilities) -> tuple[Piece, ...]:
    """The messages of an answer, in order; bubbles without text and picture give none."""
    found: list[Piece] = []
    number = 0
    for bubble in bubbles:
        buttons = tuple(Button(one["title"], one["payload"]) for one in bubble.get("buttons", ()))
        text, shown = str(bubble.get("text") or ""), buttons
        if len(buttons) > able.buttons:
            lines = [f"{number + place}. {button.title}" for place, button in enumerate(buttons, 1)]
            text, shown = "\n".join([text, *lines]), ()
        # Those that are shown as buttons count too: `chosen` counts them all.
        number += len(buttons)
        texts = list(cut(text, able.max_text_bytes)) if text.strip() else []
        if not texts and not bubble.get("image"):
            continue
        for one in texts[:-1]:
            found.append(Piece(one))
        found.append(Piece(texts[-1] if texts else "", shown, bubble.get("image")))
    return tuple(found)


def packed(pieces: Sequence[Piece], most: int) -> tuple[Piece, ...]:
    """Pieces joined to as few messages of at most `most` bytes as they fit in, where their number is bounded."""
    found: list[Piece] = []
    for piece in pieces:
        text = BETWEEN.join(part for part in (piece.text, piece.image) if part)
        joined = f"{found[-1].text}{BETWEEN}{text}" if found and not found[-1].buttons else ""
        if joined and len(joined.encode()) <= most:
            found[-1] = Piece(joined, piece.buttons)
        else:
            found.append(Piece(text, piece.buttons))
    return tuple(found)


def cut(text: str, most: int) -> Iterator[str]:
    """The text in parts of at most `most` bytes of UTF-8, cut at the last line, sentence or clause that fits."""
    rest = text.strip()
    while len(rest.encode()) > most:
        room = rest.encode()[:most].decode(errors="ignore")
        ends = (max((found.end() for found in pattern.finditer(room)), default=0) for pattern in CUTS)
        end = next((end for end in ends if end > len(room) // 3), len(room))
        yield rest[:end].strip()
        rest = rest[end:].strip()
    if rest:
        yield rest


def chosen(last: Sequence[dict[str, Any]] | None, text: str) -> str | None:
    """The payload of the numbered line that a short message names, None when it names none."""
    found = NUMBER.fullmatch(normalise(text).text.strip())
    if found is None or not last:
        return None
    payloads = [str(button["payload"]) for bubble in last for button in bubble.get("buttons", ())]
    place = int(found.group(1)) - 1
    return payloads[place] if place < len(payloads) else None


def payload_of(last: Sequence[Mapping[str, Any]] | None, title: str) -> str:
    """What stands behind a tapped line of the last answer; the line itself where that is not known any more."""
    buttons = [button for bubble in last or () for button in bubble.get("buttons", ())]
    return next((str(button["payload"]) for button in buttons if button["title"] == title), title)
