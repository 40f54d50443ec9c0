"""Whose words are whose in a recorded call: the names that files give to the two sides, and speakers only numbered."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.phone.segment import Speaker
from connectors.phone.tap import known_speaker, speaker_of

# What a program that tells voices apart calls them: SPEAKER_00, Speaker 1, spk-2, 说话人1.
NUMBERED = re.compile(r"(?:speaker|spk|说话人|发言人|讲话人)[\s_\-]*(?:\d{1,2}|[a-h])")


@dataclass(frozen=True)
class Named:
    """Words with the name of who says them, None where nothing is told."""

    name: str | None
    text: str


def numbered(name: object) -> str | None:
    """The name of a voice that is only numbered, in one form; None for any other name."""
    told = unicodedata.normalize("NFKC", name).strip().lower() if isinstance(name, str) else ""
    return told if NUMBERED.fullmatch(told) else None


def is_name(name: str) -> bool:
    """Whether a name is one that speakers have."""
    return numbered(name) is not None or known_speaker(name) is not None


def sides_of(names: Iterable[object], first: Speaker) -> Mapping[str, Speaker]:
    """The sides of voices that are only numbered: who speaks first is `first`, all others are the other side.

    A single voice tells nothing.
    """
    voices = list(dict.fromkeys(voice for voice in map(numbered, names) if voice is not None))
    other = Speaker.AGENT if first is Speaker.CALLER else Speaker.CALLER
    return {voice: other if place else first for place, voice in enumerate(voices)} if len(voices) > 1 else {}


def side(name: object, sides: Mapping[str, Speaker], otherwise: Speaker) -> Speaker:
    """Who speaks, by a name or by the number of a voice."""
    voice = numbered(name)
    return sides.get(voice, otherwise) if voice is not None else speaker_of(name, otherwise)
