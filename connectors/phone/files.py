"""Transcripts in files: WebVTT, SRT, and JSON, whole or by lines, in any schema we know."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from bot.errors import BadFrame
from bot.phone.segment import Segment, Speaker
from bot.phone.transcript import folded
from connectors.phone.adapters import ADAPTERS, Schema, read_frame, stream_of
from connectors.phone.captions import captions_of
from connectors.phone.frames import Said, native
from connectors.phone.sides import side, sides_of
from connectors.phone.tap import Tap, clean, list_in, seconds, share, text_in

Made = TypeVar("Made")
NOT_A_NAME = re.compile(r"[^\w.\-]+")
# The fields that may tell who speaks, the surest first; the names of one's voices and of one's own exports.
WHO = ("leg", "speaker", "role")
# The fields that hold the sentences of a whole call.
WHOLE = ("segments", "transcript")
BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
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


@dataclass(frozen=True)
class CallsRead:
    """The calls of a file, and what was left out of it, each with its place."""

    calls: tuple[CallFile, ...]
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sides:
    """Who speaks where a file tells nothing, and who speaks first where it only numbers the voices."""

    unnamed: Speaker = Speaker.CALLER
    first: Speaker = Speaker.AGENT


@dataclass(frozen=True)
class _Row:
    """One object of a file; `place` as it is told in a fault."""

    place: str
    row: dict[str, Any]


def read_calls(path: Path, sides: Sides) -> CallsRead:
    """The calls of a file; lines with a fault are left out. Raises BadFrame for a file that cannot be read at all."""
    text = _decoded(path)
    stem = NOT_A_NAME.sub("-", path.stem)[:60]
    faults: list[str] = []
    if path.suffix.lower() in (".vtt", ".srt"):
        found = [_captions(path, text, f"{stem}-{_mark(text)}", sides)]
    else:
        rows = list(_rows(path, text, faults))
        whole = [one for one in rows if _sentences(one.row) is not None]
        frames = [one for one in rows if _sentences(one.row) is None]
        found = [*_each(whole, faults, lambda one: _whole(one.row, stem, sides))]
        found += _framed(frames, f"{stem}-{_mark(text)}", sides, faults)
    told = tuple(f"{path}:{fault}" for fault in faults)
    return CallsRead(tuple(CallFile(one.name, folded(one.segments).finals) for one in found), told)


def _decoded(path: Path) -> str:
    """The text of a file in UTF-8, UTF-16 with its mark, or GB 18030; raises BadFrame."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadFrame(f"{path}: {error.strerror}") from None
    marked = next((encoding for mark, encoding in BOMS if content.startswith(mark)), None)
    for encoding in (marked,) if marked else ("utf-8", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadFrame(f"{path}: neither UTF-8, UTF-16 nor GB18030")


def _captions(path: Path, text: str, name: str, sides: Sides) -> CallFile:
    """The call of a subtitle file; a caption without a name is of who spoke before."""
    captions = list(captions_of(clean(text), path.suffix.lower() == ".vtt"))
    if not captions:
        raise BadFrame(f"{path}: no captions in it")
    voices, speaker = sides_of((one.said.name for one in captions), sides.first), sides.unnamed
    segments = []
    for place, one in enumerate(captions):
        speaker = side(one.said.name, voices, speaker)
        segments.append(Segment(name, f"{place}", 0, speaker, one.said.text, True, one.start, one.end))
    return CallFile(name, tuple(segments))


def _rows(path: Path, text: str, faults: list[str]) -> Iterator[_Row]:
    """The objects of a file that is JSON as a whole, or line by line."""
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        whole = None
    if isinstance(whole, list):
        for number, one in enumerate(whole, 1):
            if isinstance(one, dict):
                yield _Row(f"[{number}]", one)
            else:
                faults.append(f"[{number}]: not a JSON object")
    elif isinstance(whole, dict):
        yield _Row("1", whole)
    else:
        # Not `splitlines`, which also cuts at separators that JSON leaves inside of texts.
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                try:
                    yield _Row(f"{number}", read_frame(line))
                except BadFrame as error:
                    faults.append(f"{number}: {error}")


def _each(rows: Iterable[_Row], faults: list[str], make: Callable[[_Row], Made]) -> Iterator[Made]:
    """What is made of each row; one with a fault is told and left out."""
    for one in rows:
        try:
            yield make(one)
        except BadFrame as error:
            faults.append(f"{one.place}: {error}")


def _sentences(row: Mapping[str, Any]) -> str | None:
    """The field that holds a whole call, None where the row is only a part of one."""
    return next((name for name in WHOLE if isinstance(row.get(name), list)), None)


def _whole(row: dict[str, Any], stem: str, sides: Sides) -> CallFile:
    """A call in one object, as WhisperX and our own sets write it; known again whatever stands around it."""
    own = NOT_A_NAME.sub("-", str(row.get("call") or ""))[:20]
    name = f"{stem}-{own}-{_mark(json.dumps(row))}" if own else f"{stem}-{_mark(json.dumps(row))}"
    listed = list_in(row, _sentences(row) or "")
    voices, speaker = sides_of(map(_who, listed), sides.first), sides.unnamed
    segments = []
    for place, one in enumerate(listed):
        speaker = side(_who(one), voices, speaker)
        segments.append(Segment(
            name, f"{place}", 0, speaker, text_in(one, "text").strip(), True, seconds(one.get("start")),
            seconds(one.get("end")), text_in(row, "language")[:20] or None, share(one.get("confidence")),
        ))  # fmt: skip
    return CallFile(name, tuple(segments))


def _framed(rows: list[_Row], name: str, sides: Sides, faults: list[str]) -> list[CallFile]:
    """The call that the frames of a file make up; none where nothing is said in them."""
    voices = sides_of((_who(one.row) for one in rows), sides.first)
    taps: dict[str, Tap] = {}
    segments: list[Segment] = []
    for found in _each(
        rows, faults, lambda one: _segments(one.row, name, side(_who(one.row), voices, sides.unnamed), taps)
    ):
        segments += found
    segments += [segment for tap in taps.values() for segment in tap.ended()]
    return [CallFile(name, tuple(segments))] if segments else []


def _segments(row: dict[str, Any], name: str, leg: Speaker, taps: dict[str, Tap]) -> list[Segment]:
    """The segments of one frame; `leg` is whose stream it is of."""
    frame = row["frame"] if isinstance(row.get("frame"), dict) else row
    kind = frame.get("type")
    if kind == "segment":
        said = native(json.dumps(frame))
        return [said.segment(name)] if isinstance(said, Said) else []
    schema = next((schema for sign, schema in SIGNS if sign in frame), None)
    if schema is None or kind in ("start", "end", "dtmf"):
        return []
    stream = f"{schema}-{leg}-{stream_of(schema, frame)}"
    taps[stream], segments = ADAPTERS[schema](taps.get(stream, Tap(name, leg, stream)), frame)
    if "start" not in row and "end" not in row:
        return list(segments)
    start, end = seconds(row.get("start")), seconds(row.get("end"))
    return [replace(one, start_ms=one.start_ms or start, end_ms=one.end_ms or end) for one in segments]


def _who(row: Mapping[str, Any]) -> object:
    """The name of who speaks, as a row tells it."""
    return next((row[name] for name in WHO if isinstance(row.get(name), str)), None)


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
