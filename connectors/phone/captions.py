"""The captions of WebVTT and SRT files: when, who and what, as people and programs write them, faults forgiven."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from connectors.phone.sides import Named, is_name
from connectors.phone.tap import seconds

_TIME = r"(?:\d+:)?\d{1,2}:\d{1,2}(?:[.,]\d{1,3})?"
TIMES = re.compile(rf"\s*({_TIME})\s*-->\s*({_TIME})")
INDEX = re.compile(r"[0-9]{1,6}")
VOICE = re.compile(r"<v(?:\.[^\s>]*)*(?:\s+([^>]*))?>", re.I)
MARKS = re.compile(r"</?(?:[bciuv]|ruby|rt|lang|font)(?:[.\s][^>]*)?>|<\d[\d:.]*>|\{\\[^}]*\}", re.I)
ENTITY = re.compile(r"&(?:[a-z]+|#\d+|#x[0-9a-f]+);", re.I)
# 坐席：… [市民] … 【坐席01】：… Agent (A17): …
TAGGED = (
    re.compile(r"\s*[\[【(（]\s*(?P<name>[^\]】)）]{1,40})\s*[\]】)）]\s*[:：]?\s*(?P<text>.+)", re.S),
    re.compile(r"\s*(?P<name>[^:：]{1,40}?)\s*[:：]\s*(?P<text>.+)", re.S),
)


@dataclass(frozen=True)
class Caption:
    """What one voice says in a stretch of time, in milliseconds; without a name it is who spoke before."""

    start: int | None
    end: int | None
    said: Named


def captions_of(text: str, blank_ends: bool) -> Iterator[Caption]:
    """The captions of a file; `blank_ends` where a blank line ends one, as in WebVTT but not in SRT."""
    cue: tuple[int | None, int | None] | None = None
    lines: list[str] = []
    count = 0
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        times = TIMES.match(line)
        if times is not None:
            if cue is not None:
                yield from _voices(*cue, _without_index(lines, count))
            cue, lines, count = (_clock(times[1]), _clock(times[2])), [], count + 1
        elif cue is not None and blank_ends and not line.strip():
            yield from _voices(*cue, lines)
            cue = None
        else:
            lines.append(line)
    if cue is not None:
        yield from _voices(*cue, lines)


def _without_index(lines: list[str], count: int) -> list[str]:
    """The lines of a caption without the number of the next one, which stands alone or is the one that is due."""
    if lines and INDEX.fullmatch(lines[-1].strip()):
        alone = len(lines) > 1 and not lines[-2].strip()
        if alone or int(lines[-1]) == count + 1:
            return lines[:-1]
    return lines


def _voices(start: int | None, end: int | None, lines: list[str]) -> Iterator[Caption]:
    """The voices of one caption; a new one begins at `<v` or at a line that begins with a name."""
    before, *spans = VOICE.split("\n".join(lines))
    parts = [(None, before), *zip(spans[::2], spans[1::2], strict=True)]
    for name, words in parts:
        told = _plain(name) if name else None
        for said in [Named(told, _plain(words))] if told else _by_line(words):
            if said.text:
                yield Caption(start, end, said)


def _by_line(words: str) -> Iterator[Named]:
    """Lines joined until one begins with the name of a speaker."""
    under_way: Named = Named(None, "")
    for line in words.split("\n"):
        found = tagged(_plain(line))
        if found.name is not None:
            yield under_way
            under_way = found
        else:
            under_way = Named(under_way.name, f"{under_way.text} {found.text}".strip())
    yield under_way


def tagged(line: str) -> Named:
    """A line with the name it begins with, where that is a speaker's."""
    for pattern in TAGGED:
        found = pattern.fullmatch(line)
        if found is not None and is_name(found["name"]):
            return Named(found["name"], found["text"].strip())
    return Named(None, line)


def _plain(text: str) -> str:
    """A text without marks, its entities as characters."""
    return " ".join(ENTITY.sub(lambda found: html.unescape(found.group()), MARKS.sub("", text)).split())


def _clock(told: str) -> int | None:
    """A time such as 00:01:02.500 in milliseconds."""
    parts = [float(part) for part in told.replace(",", ".").split(":")]
    return seconds(sum(part * 60**place for place, part in enumerate(reversed(parts))))
