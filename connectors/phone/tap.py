"""What an adapter remembers between the frames of one stream, and how it reads fields it cannot trust."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.errors import BadFrame
from bot.phone.segment import Segment, Speaker

MOST_CHARS = 8000
MOST_LANGUAGE = 20
MOST_MS = 2**31
_HAN_GAP = re.compile(r"(?<=[\u3400-\u9fff]) +(?=[\u3400-\u9fff，。？！])")
# The names that recognisers, exports and subtitles give to the two sides.
SPEAKERS: Mapping[str, Speaker] = {
    **dict.fromkeys(
        ("caller", "customer", "citizen", "client", "external", "user", "inbound_track", "市民", "来电人", "来电",
         "来话人", "群众", "客户", "主叫", "诉求人", "反映人", "投诉人", "咨询人", "用户"), Speaker.CALLER,
    ),
    **dict.fromkeys(
        ("agent", "operator", "internal", "outbound_track", "坐席", "座席", "客服", "话务员", "接线员", "受理员",
         "工作人员", "被叫"),
        Speaker.AGENT,
    ),
    **dict.fromkeys(("bot", "assistant", "system", "robot", "ivr", "机器人", "系统"), Speaker.BOT),
}  # fmt: skip
# What tells one agent or caller from others, left out one after the other: (A17), 01, 17号, a letter before a number.
ONE_OF_MANY = tuple(
    map(
        re.compile,
        (r"\s*[(\[].*[)\]]$", r"[\s_#\-.]*\d+号?$", r"(?:[\s_#\-.]+|(?<=[\u4e00-\u9fff]))[a-z]$", r"^\d+号?"),
    )
)


@dataclass(frozen=True)
class Tap:
    """One stream of a recogniser; `mark` keeps its segment ids apart from those of other streams of the call.

    `count` is the segment under way, `rev` the revisions given out, `text` what the stream said of it, `base` the
    time its own clock began with.
    """

    call: str
    speaker: Speaker = Speaker.CALLER
    mark: str = "0"
    language: str | None = None
    count: int = 0
    rev: int = 0
    text: str = ""
    base: int | None = None

    def told(self, text: str, final: bool, **known: Any) -> tuple[Tap, tuple[Segment, ...]]:
        """The next revision of the segment under way; nothing where nothing was said before and is said now."""
        text = joined_han(text)[:MOST_CHARS].strip()
        if not text and not self.text:
            return self, ()
        rev = self.rev + 1
        known = {"speaker": self.speaker, **known, "language": language_in(known.get("language") or self.language)}
        segment = Segment(self.call, f"{self.mark}-{self.count}", rev, text=text, final=final, **known)
        after = replace(self, rev=rev, count=self.count + final, text="" if final else text)
        return after, (segment,)

    def named(self, segment_id: str, text: str, final: bool, **known: Any) -> tuple[Tap, tuple[Segment, ...]]:
        """A revision of a segment that the stream itself names."""
        text = joined_han(text)[:MOST_CHARS].strip()
        known = {"speaker": self.speaker, **known, "language": language_in(known.get("language") or self.language)}
        segment = Segment(self.call, f"{self.mark}-{segment_id}"[:120], self.rev + 1, text=text, final=final, **known)
        return replace(self, rev=self.rev + 1), (segment,)

    def ended(self) -> tuple[Segment, ...]:
        """What the stream left unfinished when it ended: no better version will come."""
        return self.told(self.text, True)[1] if self.text else ()


def joined_han(text: str) -> str:
    """The text without the gaps some recognisers leave between Chinese words."""
    return _HAN_GAP.sub("", text)


def clean(text: str) -> str:
    """The text without what no database keeps: NUL and halves of characters."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def language_in(told: str | None) -> str | None:
    """A language as it can be kept, None where none is told."""
    return clean(told or "")[:MOST_LANGUAGE] or None


def text_in(frame: Mapping[str, Any], name: str) -> str:
    """A field that is a text, empty where there is none; raises BadFrame."""
    value = frame.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadFrame(f"{name}: not a text")
    return clean(value)


def list_in(frame: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """A field that is a list of objects, empty where there is none; raises BadFrame."""
    value = frame.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise BadFrame(f"{name}: not a list of objects")
    return value


def object_in(frame: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A field that is an object; raises BadFrame."""
    value = frame.get(name)
    if not isinstance(value, dict):
        raise BadFrame(f"{name}: not an object")
    return value


def moment(value: object) -> int | None:
    """Milliseconds of a call, None for what cannot be."""
    known = whole(value)
    return known if known is not None and 0 <= known < MOST_MS else None


def whole(value: object) -> int | None:
    """A whole number, also one in quotes; None for anything else. Never by way of a float: ticks are too long."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,19}", value):
        return int(value)
    return int(value) if isinstance(value, float) and abs(value) < 2**53 else None


def seconds(value: object) -> int | None:
    """Seconds as milliseconds, None for what is no number."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < MOST_MS / 1000:
        return None
    return round(1000 * value)


def share(value: object) -> float | None:
    """A confidence from 0 to 1, None for what is none."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        return None
    return float(value)


def speaker_of(name: object, otherwise: Speaker) -> Speaker:
    """The side that a name stands for."""
    known = known_speaker(name) if isinstance(name, str) else None
    return otherwise if known is None else known


def known_speaker(name: str) -> Speaker | None:
    """The side that a name stands for, None where it stands for none; 坐席01 and Agent (A17) are names of one."""
    bare = unicodedata.normalize("NFKC", name).strip().lower()
    for pattern in ONE_OF_MANY:
        if bare in SPEAKERS:
            break
        bare = pattern.sub("", bare)
    return SPEAKERS.get(bare)
