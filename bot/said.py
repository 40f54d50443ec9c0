"""What another engine said, read so that nothing in it can break a turn, a database or a page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.errors import EngineAway
from bot.messages import BotMessage, Button
from bot.turn import Outcome

# How deep a custom part may be nested; a turn of ours needs 5.
DEPTH = 20
SCHEMES = ("http://", "https://")
# What of a custom part is fetched or opened by who shows it.
ADDRESSES = frozenset({"url", "src", "href", "link", "image", "attachment"})


class _Part(BaseModel):
    """A part of a told turn: known fields of their types, others left out."""

    model_config = ConfigDict(extra="ignore", strict=True)


class _Intent(_Part):
    name: str
    confidence: float | None = None


class _Service(_Part):
    code: str
    name: str
    score: float


class _Source(_Part):
    title: str
    url: str | None = None
    checked_on: str | None = None
    observed_at: str | None = None


class _Case(_Part):
    case_id: str
    status: str
    type: str
    category: str | None = None
    service_item: str | None = None
    agency_responsible: str | None = None
    expected_datetime: str
    query_code: str | None = None


class _Turn(_Part):
    """What of a turn another engine may tell; the rest is ours."""

    outcome: Annotated[Outcome, Field(strict=False)]
    language: Literal["zh", "en"]
    intent: _Intent
    services: list[_Service] = Field(default_factory=list)
    sources: list[_Source] = Field(default_factory=list)
    case: _Case | None = None
    cases: list[_Case] = Field(default_factory=list)
    active_form: str | None = None
    requested_slot: str | None = None


@dataclass(frozen=True)
class Said:
    """What another engine said: bubbles, and `turn` where it told the machine-readable side; nothing when it failed."""

    bubbles: tuple[BotMessage, ...] = ()
    turn: Mapping[str, Any] | None = None

    @property
    def words(self) -> str:
        """All it said in one, without the spaces between."""
        return "".join(map(words_of, self.bubbles))

    def more_than(self, own: Said) -> tuple[BotMessage, ...]:
        """Its bubbles that tell something `own` does not; a Rasa splits texts at blank lines."""
        told, images = own.words, {bubble.image for bubble in own.bubbles}
        return tuple(
            one
            for one in self.bubbles
            if (words_of(one) not in told if words_of(one) else one.image not in images or one.custom)
        )


def words_of(bubble: BotMessage) -> str:
    """The text of a bubble without its spaces."""
    return "".join(bubble.text.split())


def kept_text(value: str) -> str:
    """A text that any database keeps: without NUL and halves of characters."""
    return value.replace("\0", "").encode("utf-8", "replace").decode()


def read_said(items: Iterable[Mapping[str, Any]]) -> Said:
    """The bubbles of a REST answer; the turn of ours that stands in one of them is taken out.

    What is not in the agreed form is left out; raises EngineAway for what cannot be kept at all.
    """
    bubbles: list[BotMessage] = []
    turn: Mapping[str, Any] | None = None
    for item in items:
        item = _kept(item)
        custom = item.get("custom")
        custom = dict(custom) if isinstance(custom, Mapping) else {}
        turn = _turn_told(custom.pop("turn", None)) or turn
        if item.get("attachment"):
            custom["attachment"] = item["attachment"]
        listed = item.get("buttons")
        listed = listed if isinstance(listed, list) else []
        buttons = tuple(_button(one) for one in listed if isinstance(one, Mapping))
        text, image = item.get("text"), item.get("image")
        text = str(text) if isinstance(text, str | int | float) else ""
        image = image if isinstance(image, str) and image else None
        if text.strip() or buttons or image or custom:
            bubbles.append(BotMessage(text, buttons, image, custom))
    return Said(tuple(bubbles), turn)


def _turn_told(told: object) -> Mapping[str, Any] | None:
    """The turn of ours in an answer, None for what is none."""
    try:
        return _Turn.model_validate(told).model_dump(mode="json", exclude_unset=True)
    except ValidationError:
        return None


def _button(told: Mapping[str, Any]) -> Button:
    title = str(told.get("title") or "")
    return Button(title, str(told.get("payload") or title))


def _kept(value: Any, depth: int = 0) -> Any:
    """A value that any database keeps and any page may show; raises EngineAway."""
    if depth > DEPTH:
        raise EngineAway("its answer is nested too deep")
    if isinstance(value, str):
        return kept_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise EngineAway("its answer has a number that is none")
    if isinstance(value, Mapping):
        pairs = ((kept_text(str(key)), one) for key, one in value.items())
        return {key: _kept(one, depth + 1) if _opens(key, one) else None for key, one in pairs}
    return [_kept(one, depth + 1) for one in value] if isinstance(value, list) else value


def _opens(key: str, value: Any) -> bool:
    """Whether a field may stand: an address only where it opens a page, as other schemes may run a program."""
    return key not in ADDRESSES or not isinstance(value, str) or value.strip().lower().startswith(SCHEMES)
