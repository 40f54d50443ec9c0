"""Transcripts in files: WebVTT, SRT, and lines of JSON in any schema we know."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import webvtt
from webvtt.errors import MalformedCaptionError, MalformedFileError

from bot.errors import BadFrame
from bot.phone.segment import Segment, Speaker
from bot.phone.transcript import folded
from connectors.phone.adapters import ADAPTERS, Schema, read_frame, stream_of
from connectors.phone.frames import Said, native
from connectors.phone.tap import SPEAKERS, Tap, clean, list_in, seconds, share, speaker_of, text_in

NAMED = re.compile(r"^\s*[\[【]?(?P<name>[^\s:：\]】]{1,12})[\]】]?\s*[:：]\s*(?P<text>.+)$", re.S)
NOT_A_NAME = re.compile(r"[^\w.\-]+")
# Which schema a line is in, by a field that no other has.
SIGNS: tuple[tuple[str, Schema], ...] = (
    ("mode", Schema.FUNASR),
    ("voicePrompt", Schema.RELAY),
    ("EventType", Schema.CONTACT_LENS),
    ("TranscriptionEvent", Schema.TWILIO_TRANSCRIPTION),
    ("transcriptionData", Schema.AZURE),
    ("transcriptionMetadata", Schema.AZURE),
    ("TranscriptionData", Schema.AZURE),
    ("parameters", Schema.AUDIOHOOK),
    ("partial", Schema.VOSK),
    ("alternatives", Schema.VOSK),
    ("result", Schema.VOSK),
    ("text", Schema.VOSK),
)


@dataclass(frozen=True)
class CallFile:
    """One call of a file, with its final segments in the order of speech."""

    name: str
    segments: tuple[Segment, ...]


def read_calls(path: Path, speaker: Speaker) -> tuple[CallFile, ...]:
    """The calls of a file; `speaker` is who speaks where it tells nothing. Raises BadFrame naming the line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadFrame(f"{path}: {'not UTF-8' if isinstance(error, UnicodeDecodeError) else error.strerror}") from None
    name = f"{NOT_A_NAME.sub('-', path.stem)[:60]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    if path.suffix.lower() in (".vtt", ".srt"):
        found = [CallFile(name, tuple(_captions(path, text, name, speaker)))]
    else:
        found = list(_json_calls(path, text, name, speaker))
    return tuple(CallFile(one.name, folded(one.segments).finals) for one in found)


def _captions(path: Path, text: str, name: str, speaker: Speaker) -> Iterator[Segment]:
    """The captions of a subtitle file; one without a name is of who spoke before."""
    form = path.suffix.lower()[1:]
    try:
        captions = webvtt.from_buffer(io.StringIO(text), format=form)
    except (MalformedFileError, MalformedCaptionError, ValueError) as error:
        raise BadFrame(f"{path}: {error or f'no {form} file'}") from None
    for place, caption in enumerate(captions.captions):
        told, said = caption.voice, clean(caption.text)
        named = NAMED.match(said)
        if told is None and named is not None and named["name"].lower() in SPEAKERS:
            told, said = named["name"], named["text"]
        speaker = speaker_of(told, speaker)
        start, end = _clock(caption.start), _clock(caption.end)
        yield Segment(name, f"{place}", 0, speaker, " ".join(said.split()), True, start, end)


def _clock(told: str) -> int | None:
    """A time such as 00:01:02.500 in milliseconds."""
    parts = [float(part) for part in told.replace(",", ".").split(":")]
    return seconds(sum(part * 60**place for place, part in enumerate(reversed(parts))))


def _json_calls(path: Path, text: str, name: str, speaker: Speaker) -> Iterator[CallFile]:
    """Lines that are whole calls each, or the frames of one call."""
    taps: dict[str, Tap] = {}
    segments: list[Segment] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = read_frame(line)
            if isinstance(row.get("segments"), list):
                own = NOT_A_NAME.sub("-", str(row.get("call") or number))[:20]
                yield CallFile(f"{name}-{own}", tuple(_listed(row, f"{name}-{own}", speaker)))
            else:
                segments += _framed(row, line, name, speaker, taps)
        except BadFrame as error:
            raise BadFrame(f"{path}:{number}: {error}") from None
    segments += [segment for tap in taps.values() for segment in tap.ended()]
    if segments:
        yield CallFile(name, tuple(segments))


def _listed(row: Mapping[str, Any], name: str, speaker: Speaker) -> Iterator[Segment]:
    """The segments of a call in one object, as WhisperX and our own sets write them."""
    for place, one in enumerate(list_in(row, "segments")):
        speaker = speaker_of(one.get("speaker"), speaker)
        yield Segment(
            name, f"{place}", 0, speaker, text_in(one, "text").strip(), True, seconds(one.get("start")),
            seconds(one.get("end")), text_in(row, "language")[:20] or None, share(one.get("confidence")),
        )  # fmt: skip


def _framed(row: dict[str, Any], line: str, name: str, speaker: Speaker, taps: dict[str, Tap]) -> list[Segment]:
    """The segments of one frame; `leg` beside a `frame` tells whose stream it is of."""
    leg = speaker_of(row.get("leg"), speaker)
    frame = row["frame"] if isinstance(row.get("frame"), dict) else row
    kind = frame.get("type")
    if kind == "segment":
        said = native(line)
        return [said.segment(name)] if isinstance(said, Said) else []
    schema = next((schema for sign, schema in SIGNS if sign in frame), None)
    if schema is None or kind in ("start", "end", "dtmf"):
        return []
    stream = f"{schema}-{leg}-{stream_of(schema, frame)}"
    taps[stream], segments = ADAPTERS[schema](taps.get(stream, Tap(name, leg, stream)), frame)
    return list(segments)
