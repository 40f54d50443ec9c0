"""Reports written to learn and to measure duplicates: which of them tell of one event (nlu_data/duplicates_*.jsonl)."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

from bot.cases.reports import Told
from knowledge.queries import NLU_DATA

COLUMNS = ("scenario", "event", "language", "district", "subdistrict", "place", "day", "text")
PART = re.compile(r"(?<![0-9])(?P<n>[0-9]{1,2})(?= ?(?:栋|幢|号楼|座|单元|号院|期))|(?<=[Bb]lock )(?P<b>[0-9]{1,2})\b")
SHORTEST_PLACE = 3
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
    place: str = ""

    def told(self) -> Told:
        """What a desk gets of it: the words and the day, no more."""
        return Told(self.text, self.day)


@dataclass(frozen=True)
class Pair:
    """Two reports by their places in the list.

    `kind` is `same`, `hard` (one scenario), `later`, `easy` (two scenarios), `moved` (one told of another place) or
    `retold` (of the same place in nearly the same words).
    """

    one: int
    other: int
    kind: str

    @property
    def same(self) -> bool:
        """Whether both tell of one event."""
        return self.kind in ("same", "retold")


def read_written(*paths: Path) -> tuple[Written, ...]:
    """The reports of some files in their order; scenarios of several files are numbered on."""
    found: list[Written] = []
    for path in paths:
        before = 1 + max((one.scenario for one in found), default=-1)
        for line in path.read_text(encoding="utf-8").splitlines():
            row = {name: value for name, value in json.loads(line).items() if name in COLUMNS}
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


def moved(reports: Sequence[Written], seed: int = 7) -> tuple[tuple[Written, ...], list[Pair]]:
    """The reports and, at their end, some told anew: of another street or building, and of their own; the pairs.

    Nobody writes the same trouble of two ends of the city in one breath, yet a desk gets it every day; and what is told
    in the same words of the same place is one event.
    """
    chance = random.Random(seed)
    told = list(reports)
    pairs = []
    for number, one in enumerate(reports):
        if len(one.place) < SHORTEST_PLACE or one.place not in one.text:
            continue
        others = [
            place for place, other in enumerate(reports)
            if (other.scenario, other.event) == (one.scenario, one.event) and len(other.place) >= SHORTEST_PLACE
        ]  # fmt: skip
        partner = chance.choice(others)
        if (part := PART.search(one.text)) and PART.search(reports[partner].text):
            text = (
                one.text[: part.start()] + str(int(part.group()) % 20 + chance.randint(1, 8)) + one.text[part.end() :]
            )
        else:
            away = chance.choice(reports)
            if away.language != one.language or away.scenario == one.scenario or len(away.place) < SHORTEST_PLACE:
                continue
            text = one.text.replace(one.place, away.place)
        told.append(replace(one, event=f"moved {number}", text=text))
        pairs.append(Pair(partner, len(told) - 1, "moved"))
        told.append(replace(one, text=one.text.replace(one.place, reports[partner].place)))
        pairs.append(Pair(number, len(told) - 1, "retold"))
    return tuple(told), pairs
