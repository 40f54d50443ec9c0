"""Reports written to learn and to measure duplicates: which of them tell of one event (nlu_data/duplicates_*.jsonl)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from bot.cases.reports import Told
from knowledge.queries import NLU_DATA

COLUMNS = ("scenario", "event", "language", "district", "subdistrict", "place", "day", "text")
LEARNT_FILE = NLU_DATA / "duplicates_meng.jsonl"
MEASURED_FILE = NLU_DATA / "eval" / "duplicates_qiu.jsonl"
EASY_PER_REPORT = 2


@dataclass(frozen=True)
class Written:
    """One written report; a scenario is a neighbourhood, an event one matter at one place and time in it."""

    scenario: int
    event: str
    language: str
    district: str
    subdistrict: str
    day: int
    text: str

    def told(self) -> Told:
        """What a desk gets of it: the words and the day, no more."""
        return Told(self.text, self.day)


@dataclass(frozen=True)
class Pair:
    """Two reports by their places in the list; `kind` is `same`, `hard` (one scenario), `later` or `easy`."""

    one: int
    other: int
    kind: str

    @property
    def same(self) -> bool:
        """Whether both tell of one event."""
        return self.kind == "same"


def read_written(path: Path) -> tuple[Written, ...]:
    """The reports of a file in its order."""
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return tuple(Written(**{name: row[name] for name in COLUMNS if name != "place"}) for row in rows)


def pairs_within(reports: Sequence[Written], far: int = 21) -> list[Pair]:
    """All pairs of a scenario; `later` are other events more than `far` days apart, as after a repair."""
    found = []
    for one, other in combinations(range(len(reports)), 2):
        here, there = reports[one], reports[other]
        if here.scenario == there.scenario:
            apart = "later" if abs(here.day - there.day) > far else "hard"
            found.append(Pair(one, other, "same" if here.event == there.event else apart))
    return found


def pairs_across(reports: Sequence[Written]) -> list[Pair]:
    """Some pairs across scenarios, the same ones each time."""
    found = []
    for one in range(len(reports)):
        for step in range(1, EASY_PER_REPORT + 1):
            other = (one * 7 + step * 131) % len(reports)
            if reports[one].scenario != reports[other].scenario:
                found.append(Pair(one, other, "easy"))
    return found
