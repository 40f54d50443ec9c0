"""Messages that are no text: places, voice and pictures, and what they mean where they arrive."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from bot.cases.coordinates import place_told
from bot.domain import Domain
from bot.tracker import Mode, Tracker
from connectors.channels.channel import Arrival

LOCATION, VOICE, PICTURE = "location", "voice", "picture"
TOLD: Mapping[str, str] = {VOICE: "utter_voice_unheard", PICTURE: "utter_picture_unread"}
# What the desk shows of a message that the assistant cannot read.
SHOWN: Mapping[str, str] = {VOICE: "utter_mark_voice", PICTURE: "utter_mark_picture"}


def place_of(latitude: object, longitude: object, *words: object) -> str:
    """The words of a place with its coordinates (degrees of WGS 84) where it has any; empty for neither."""
    name = "，".join(dict.fromkeys(text for word in words if (text := kept_text(word).strip())))
    if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
        return name
    return place_told(name, latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else name


def moment_of(seconds: int, now: datetime) -> datetime:
    """When something was sent, as seconds since 1970; now where that cannot be."""
    try:
        told = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return now
    return min(told, now) if seconds > 0 else now


def kept_text(value: object) -> str:
    """A text of untrusted JSON without what no database keeps; empty for anything else."""
    return value.encode("utf-8", "ignore").decode().replace("\x00", "") if isinstance(value, str) else ""


def as_said(arrival: Arrival, tracker: Tracker, domain: Domain) -> str | None:
    """The text of the turn that an arrival makes: a place begins a demand unless somebody waits for what is said.

    A person who holds the talk reads a mark. None for what makes no turn, as nothing in it can be read.
    """
    held = tracker.mode is Mode.MANUAL
    if arrival.source == LOCATION and not (held or tracker.active_form or arrival.text.startswith("/")):
        return f"/file_demand{json.dumps({'place': arrival.text}, ensure_ascii=False)}"
    if arrival.source in SHOWN and held:
        mark = domain.text(SHOWN[arrival.source], language_of(arrival, tracker))
        return f"{mark} {arrival.text}".strip()
    return None if arrival.source in TOLD and not arrival.text else arrival.text


def language_of(arrival: Arrival, tracker: Tracker) -> str:
    """The language of an answer that is no turn."""
    return str(tracker.slot("language") or arrival.language or "zh")
