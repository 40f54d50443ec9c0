"""The frames of cloud telephony as segments: ConversationRelay, and mappings that were never tried with the vendor."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.errors import BadFrame
from bot.phone.segment import Segment, Speaker
from connectors.phone.tap import Tap, list_in, moment, object_in, share, speaker_of, text_in, whole

Read = tuple[Tap, tuple[Segment, ...]]
TICKS_A_MS = 10_000
DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


def relay(tap: Tap, frame: Mapping[str, Any]) -> Read:
    """ConversationRelay of Twilio and Telnyx: only prompts are speech; without `last` a prompt is whole."""
    if frame.get("type") != "prompt":
        return tap, ()
    language = text_in(frame, "lang") or tap.language
    return tap.told(text_in(frame, "voicePrompt"), frame.get("last") is not False, language=language)


def contact_lens(tap: Tap, frame: Mapping[str, Any]) -> Read:
    """Amazon Connect Contact Lens: an utterance is a partial of the transcript whose id it names."""
    found: list[Segment] = []
    language = text_in(frame, "LanguageCode") or tap.language
    for one in list_in(frame, "Segments"):
        final = "Transcript" in one
        if not final and "Utterance" not in one:
            continue
        part = object_in(one, "Transcript" if final else "Utterance")
        name = text_in(part, "Id" if final else "TranscriptId")
        if not name:
            raise BadFrame("Segments: without the id of a transcript")
        tap, segments = tap.named(
            name, text_in(part, "Content" if final else "PartialContent"), final, language=language,
            speaker=speaker_of(part.get("ParticipantRole"), tap.speaker),
            start_ms=moment(part.get("BeginOffsetMillis")), end_ms=moment(part.get("EndOffsetMillis")),
        )  # fmt: skip
        found += segments
    return tap, tuple(found)


def azure(tap: Tap, frame: Mapping[str, Any]) -> Read:
    """Azure Communication Services; its keys come in any capitals, its times in ticks of 100 ns."""
    told = _lowered(frame)
    if "transcriptionmetadata" in told:
        locale = text_in(_lowered(object_in(told, "transcriptionmetadata")), "locale")
        return replace(tap, language=locale or tap.language), ()
    if str(told.get("kind", "")).lower() != "transcriptiondata":
        return tap, ()
    data = _lowered(object_in(told, "transcriptiondata"))
    offset, length, who = whole(data.get("offset")), whole(data.get("duration")), text_in(data, "participantrawid")
    if offset is None:
        raise BadFrame("offset: not a whole number")
    tap = replace(tap, base=offset if tap.base is None else tap.base)
    start = moment(max(0, offset - (tap.base or 0)) // TICKS_A_MS)
    end = moment((start or 0) + length // TICKS_A_MS) if length else None
    # A number of the telephone network stands behind "4:"; anyone else is on the hotline's side.
    side = Speaker.CALLER if who.startswith("4:") else Speaker.AGENT if who else tap.speaker
    return tap.named(
        f"{side}-{offset}", text_in(data, "text"), text_in(data, "resultstatus").lower() == "final", speaker=side,
        start_ms=start, end_ms=end, confidence=share(data.get("confidence")),
    )  # fmt: skip


def _lowered(frame: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name).lower(): value for name, value in frame.items()}


def twilio_transcription(tap: Tap, frame: Mapping[str, Any]) -> Read:
    """Twilio's real-time transcription webhook: a form whose transcript is JSON in a text."""
    if frame.get("TranscriptionEvent") != "transcription-content":
        return tap, ()
    try:
        data = json.loads(text_in(frame, "TranscriptionData") or "{}")
    except (ValueError, RecursionError):
        raise BadFrame("TranscriptionData: not JSON") from None
    if not isinstance(data, dict):
        raise BadFrame("TranscriptionData: not an object")
    return tap.told(
        text_in(data, "transcript"), str(frame.get("Final")).lower() == "true",
        speaker=speaker_of(frame.get("Track"), tap.speaker),
        language=text_in(frame, "LanguageCode") or tap.language, confidence=share(data.get("confidence")),
    )  # fmt: skip


def audiohook(tap: Tap, frame: Mapping[str, Any]) -> Read:
    """The transcript entities of Genesys AudioHook events; channel 0 is the caller's."""
    if frame.get("type") != "event":
        return tap, ()
    found: list[Segment] = []
    for entity in list_in(object_in(frame, "parameters"), "entities"):
        if entity.get("type") != "transcript":
            continue
        data = object_in(entity, "data")
        best = next(iter(list_in(data, "alternatives")), {})
        reading = next(iter(list_in(best, "interpretations")), {})
        start, length = _duration(data.get("offset")), _duration(data.get("duration"))
        languages = best.get("languages")
        language = languages[0] if isinstance(languages, list) and languages and isinstance(languages[0], str) else None
        tap, segments = tap.named(
            text_in(data, "id"), text_in(reading, "transcript"), data.get("isFinal") is True,
            speaker=Speaker.CALLER if data.get("channelId", 0) in (0, "0") else Speaker.AGENT, start_ms=start,
            end_ms=start + length if start is not None and length is not None else None,
            language=language or tap.language, confidence=share(best.get("confidence")),
        )  # fmt: skip
        found += segments
    return tap, tuple(found)


def _duration(value: object) -> int | None:
    """An ISO 8601 duration in milliseconds, None for what is none."""
    found = DURATION.fullmatch(value) if isinstance(value, str) and len(value) < 40 else None
    if found is None or value in ("P", "PT"):
        return None
    days, hours, minutes, left = (float(part or 0) for part in found.groups())
    return moment(round(1000 * (((days * 24 + hours) * 60 + minutes) * 60 + left)))
