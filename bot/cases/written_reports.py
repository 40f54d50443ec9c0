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
LEARNT_FILES = tuple(sorted(NLU_DATA.glob("duplicates_*.jsonl")))
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


def read_written(*paths: Path) -> tuple[Written, ...]:
    """The reports of some files in their order; scenarios of several files are numbered on."""
    found: list[Written] = []
    for path in paths:
        before = 1 + max((one.scenario for one in found), default=-1)
        for line in path.read_text(encoding="utf-8").splitlines():
            row = {name: value for name, value in json.loads(line).items() if name in COLUMNS and name != "place"}
            found.append(Written(**{**row, "scenario": before + row["scenario"]}))
    return tuple(found)


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
