"""The frames of FunASR and Vosk servers as segments. One stream is one side of the call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.errors import BadFrame
from bot.phone.segment import Segment
from connectors.phone.tap import Tap, list_in, moment, seconds, share, speaker_of, text_in

Read = tuple[Tap, tuple[Segment, ...]]


def funasr(tap: Tap, frame: Mapping[str, Any]) -> Read:
    """FunASR: online text is added to what was said, offline text replaces it and is final.

    `is_final` tells the end of a sentence in mode online only; elsewhere implementations differ.
    """
    mode, text = text_in(frame, "mode"), text_in(frame, "text")
    tap = replace(tap, speaker=speaker_of(frame.get("spk_name"), tap.speaker))
    if mode.endswith("offline"):
        start, end = _span(frame)
        return tap.told(text, True, start_ms=start, end_ms=end)
    if mode.endswith("online"):
        said = _added(tap.text, text)
        final = mode == "online" and frame.get("is_final") is True
        return tap.told(said, final) if final or said != tap.text else (tap, ())
    if not text:
        return tap, ()
    raise BadFrame("mode: online, offline, 2pass-online or 2pass-offline")


def _added(said: str, more: str) -> str:
    """What was said with a piece more; a gap between English words."""
    gap = " " if said and more and said[-1].isascii() and said[-1].isalnum() and more[0].isascii() else ""
    return said + (gap if more[:1].isalnum() else "") + more


def _span(frame: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Begin and end by the sentence stamps, else by the stamps of words, which are JSON in a text."""
    sentences = list_in(frame, "stamp_sents") if frame.get("stamp_sents") != "" else []
    if sentences:
        return moment(sentences[0].get("start")), moment(sentences[-1].get("end"))
    stamps = frame.get("timestamp")
    try:
        words = json.loads(stamps) if isinstance(stamps, str) and stamps else stamps
        return (moment(words[0][0]), moment(words[-1][1])) if words else (None, None)
    except (ValueError, TypeError, IndexError, KeyError, RecursionError):
        return None, None


def vosk(tap: Tap, frame: Mapping[str, Any]) -> Read:
    """Vosk: a partial replaces the one before, a result is final; results without text are common and dropped."""
    if "partial" in frame:
        said = text_in(frame, "partial")
        return tap.told(said, False) if said and said != tap.text else (tap, ())
    if "alternatives" in frame:
        best = max(list_in(frame, "alternatives"), key=_score, default={})
        return _result(tap, best, None)
    if "text" in frame:
        sure = [one for one in (share(word.get("conf")) for word in list_in(frame, "result")) if one is not None]
        return _result(tap, frame, sum(sure) / len(sure) if sure else None)
    raise BadFrame("partial, text or alternatives: none of them")


def _score(alternative: Mapping[str, Any]) -> float:
    """How likely an alternative is, on no scale that could be told as a confidence."""
    score = alternative.get("confidence")
    return float(score) if isinstance(score, int | float) else float("-inf")


def _result(tap: Tap, frame: Mapping[str, Any], confidence: float | None) -> Read:
    words = list_in(frame, "result")
    start, end = (seconds(words[0].get("start")), seconds(words[-1].get("end"))) if words else (None, None)
    return tap.told(text_in(frame, "text"), True, start_ms=start, end_ms=end, confidence=confidence)
