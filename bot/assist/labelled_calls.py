"""Written calls with what the agent should have been offered: `nlu_data/eval/calls_<author>.jsonl`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.assist.transcript import Segment, Speaker
from bot.evaluate import EVAL
from knowledge.yaml_file import ContentError

FIELDS = ("type", "category", "service_item", "district", "place", "time", "contact")
DEMAND = "demand"
PREFIX = "calls_"


@dataclass(frozen=True)
class LabelledCall:
    """A call, the services any of which is right, and for a demand the fields of its form, empty where not told."""

    key: str
    author: str
    language: str
    asr: str
    kind: str
    segments: tuple[Segment, ...]
    services: tuple[str, ...]
    case: Mapping[str, str]

    @property
    def callers(self) -> tuple[int, ...]:
        """The places of the caller's segments."""
        return tuple(at for at, one in enumerate(self.segments) if one.speaker is Speaker.CALLER)


def shipped_calls() -> list[Path]:
    """The files of the repository."""
    return sorted(EVAL.glob(f"{PREFIX}*.jsonl"))


def read_calls(paths: Sequence[Path]) -> tuple[LabelledCall, ...]:
    """The calls of some files; raises ContentError with file and line."""
    found = []
    for path in paths:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if not line.strip():
                continue
            try:
                found.append(_call(json.loads(line), path.stem.removeprefix(PREFIX)))
            except (KeyError, TypeError, ValueError) as error:
                raise ContentError(path, number, f"is no labelled call: {error!r}") from None
    return tuple(found)


def _call(row: Mapping[str, object], author: str) -> LabelledCall:
    spoken, want = row["segments"], row["want"]
    if not isinstance(spoken, list) or not isinstance(want, dict):
        raise TypeError("segments and want")
    case = {name: str((want.get("case") or {}).get(name) or "") for name in FIELDS}
    return LabelledCall(
        str(row["call"]),
        author,
        str(row["language"]),
        str(row["asr"]),
        str(want["kind"]),
        tuple(Segment(f"s{at}", Speaker(one["speaker"]), str(one["text"])) for at, one in enumerate(spoken)),
        tuple(map(str, want.get("services") or ())),
        case,
    )
