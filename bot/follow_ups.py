"""What people say next in a conversation, written by several authors: nlu_data/follow_ups/<author>.csv."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bot.subject_signs import Situation
from knowledge.catalogue import Catalogue
from knowledge.queries import NLU_DATA

FOLDER = NLU_DATA / "follow_ups"
COLUMNS = ["language", "kind", "before", "need", "text", "about"]
NONE = "none"
LEAVING = ("switch", "chat", "outside", "uncovered", "file", "human", "list")
OFFERED = 2


@dataclass(frozen=True)
class FollowUp:
    """What a person says next, and the codes of the services it may speak of; none when it speaks of none."""

    author: str
    language: str
    kind: str
    situation: Situation
    text: str
    codes: tuple[str, ...]


def read_follow_ups(folder: Path = FOLDER) -> tuple[FollowUp, ...]:
    """The lines of every author, by file name."""
    found = []
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as rows:
            found += [_follow_up(path.stem, row) for row in csv.DictReader(rows)]
    return tuple(found)


def _follow_up(author: str, row: Mapping[str, str]) -> FollowUp:
    *earlier, last = row["before"].split()
    offered = tuple(last.split("|")) if "|" in last else ()
    spoken = tuple(dict.fromkeys(code for one in earlier for code in one.split("|")))
    current = None if offered else last
    discussed = spoken if offered else (*(code for code in spoken if code != last), last)
    codes = () if row["about"] == NONE else tuple(row["about"].split("|"))
    situation = Situation(current, discussed, offered, row["need"].lower())
    return FollowUp(author, row["language"], row["kind"], situation, row["text"], codes)


def asked_which(follow_ups: Iterable[FollowUp], catalogue: Catalogue) -> tuple[FollowUp, ...]:
    """The lines that leave the service under discussion, as if said after the question which of some it is."""
    copies = []
    for one in follow_ups:
        current = one.situation.current
        if current is None or one.kind not in LEAVING:
            continue
        offered = (current, *(str(code) for code in catalogue[current].related[:OFFERED]))
        if not set(one.codes) & set(offered):
            earlier = tuple(code for code in one.situation.discussed if code != current)
            copies.append(
                replace(one, situation=replace(one.situation, current=None, discussed=earlier, offered=offered))
            )
    return tuple(copies)
