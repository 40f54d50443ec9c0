"""Every schema that a frame may come in, and the function that makes segments of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from bot.errors import BadFrame
from bot.phone.segment import Segment
from connectors.phone import clouds, recognisers
from connectors.phone.tap import Tap

MOST_BYTES = 64 * 1024
# Pure: what a stream told so far and one frame more; raises BadFrame.
Adapter = Callable[[Tap, Mapping[str, Any]], tuple[Tap, tuple[Segment, ...]]]


class Schema(StrEnum):
    """The schemas of the taps; the last four are mappings only."""

    FUNASR = "funasr"
    VOSK = "vosk"
    RELAY = "relay"
    CONTACT_LENS = "contact-lens"
    AZURE = "azure"
    TWILIO_TRANSCRIPTION = "twilio-transcription"
    AUDIOHOOK = "audiohook"


ADAPTERS: Mapping[Schema, Adapter] = {
    Schema.FUNASR: recognisers.funasr,
    Schema.VOSK: recognisers.vosk,
    Schema.RELAY: clouds.relay,
    Schema.CONTACT_LENS: clouds.contact_lens,
    Schema.AZURE: clouds.azure,
    Schema.TWILIO_TRANSCRIPTION: clouds.twilio_transcription,
    Schema.AUDIOHOOK: clouds.audiohook,
}


def read_frame(text: str | bytes) -> dict[str, Any]:
    """A frame as JSON object; raises BadFrame for anything else, without repeating it."""
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        raise BadFrame("not JSON") from None
    if not isinstance(frame, dict):
        raise BadFrame("not a JSON object")
    return frame


def stream_of(schema: Schema, frame: Mapping[str, Any]) -> str:
    """Which of several streams of one door a frame is of: two tracks of a call come by turns at one webhook."""
    return str(frame.get("Track")) if schema is Schema.TWILIO_TRANSCRIPTION else ""
