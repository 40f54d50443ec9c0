"""Where in a message a new demand may begin: connectors, punctuation and gaps."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from knowledge.normal import canonical
from knowledge.queries import NLU_DATA

CONNECTOR_FILE = NLU_DATA / "lookups" / "connectors.csv"
MIN_SEGMENT = 3
MAX_SEGMENTS = 24
OPENER_FILE = NLU_DATA / "lookups" / "clause_openers.csv"
LONG_RUN, RUN_PIECE = 18, 7
RUN = r"(?:[，,。；;！!？?：:…~\s/+&—]|(?<=\s)-(?=\s)|\.(?=\s|$))"
STOP = re.compile(r"[。；;！!？?\n/—]|\.(?=\s|$)|\s-\s")
HAN = r"[\u3400-\u9fff]"
NOT_AFTER = "(?![天次名层期批年])"
WORD = re.compile(r"[a-z0-9']+|[\u3400-\u9fff]")


@dataclass(frozen=True)
class Boundary:
    """A gap `text[start:end]` where a new demand may begin; the connector is lower case, or empty."""

    start: int
    end: int
    connector: str
    strength: str
    mark: str


@lru_cache(maxsize=1)
def read_connectors() -> tuple[tuple[str, str, str], ...]:
    """The connectors as (language, strength, words), the longest first."""
    with CONNECTOR_FILE.open(encoding="utf-8", newline="") as lines:
        rows = [(row["language"], row["strength"], row["connector"]) for row in csv.DictReader(lines)]
    return tuple(sorted(rows, key=lambda row: -len(row[2])))


@lru_cache(maxsize=1)
def _gap() -> tuple[re.Pattern[str], Mapping[str, str]]:
    rows = read_connectors()
    zh = "|".join(re.escape(words) for language, _, words in rows if language == "zh")
    en = "|".join(re.escape(words).replace(r"\ ", r"\s+") for language, _, words in rows if language == "en")
    pattern = (
        rf"{RUN}*(?P<zh>{zh}){NOT_AFTER}{RUN}*|{RUN}+(?P<en>{en})\b{RUN}*"
        rf"|{RUN}*(?:[，,。；;！!？?\n/+&—]|(?<=\s)-(?=\s)|\.(?=\s|$)){RUN}*|(?<={HAN})\s+(?={HAN})"
    )
    return re.compile(pattern, re.I), {words.lower(): strength for _, strength, words in rows}


def find_boundaries(text: str) -> list[Boundary]:
    """The candidate boundaries of a text; pieces of a word or less join their neighbour."""
    pattern, strengths = _gap()
    simple = canonical_characters(text)
    found: list[Boundary] = []
    for match in pattern.finditer(simple):
        connector = re.sub(r"\s+", " ", (match["zh"] or match["en"] or "").lower())
        before = match.group() if not connector else match.group()[: match.start(match.lastgroup or 0) - match.start()]
        mark = "stop" if STOP.search(before) else "comma" if re.search("[，,：:]", before) else "space"
        mark = mark if before else "none"
        boundary = Boundary(*match.span(), connector, strengths.get(connector, "weak"), mark)
        if size_of(simple[found[-1].end if found else 0 : boundary.start]) >= MIN_SEGMENT:
            found.append(boundary)
        elif found and boundary.connector:
            found[-1] = Boundary(found[-1].start, boundary.end, connector, boundary.strength, found[-1].mark)
    while found and size_of(simple[found[-1].end :]) < MIN_SEGMENT:
        found.pop()
    return found[: MAX_SEGMENTS - 1]


def find_openings(text: str) -> list[Boundary]:
    """The candidate boundaries, with those that a recogniser or a hurried writer left without a mark.

    They stand before words that often open a clause, so they suit only a judge that weighs each of them.
    """
    found = find_boundaries(text)
    more = _in_long_runs(canonical_characters(text), found)
    return sorted([*found, *more], key=lambda one: one.start)[: MAX_SEGMENTS - 1]


@lru_cache(maxsize=1)
def _openers() -> re.Pattern[str]:
    """Words that often open a clause."""
    with OPENER_FILE.open(encoding="utf-8", newline="") as lines:
        rows = [(row["language"], re.escape(row["word"])) for row in csv.DictReader(lines)]
    zh, en = ("|".join(word for language, word in rows if language == name) for name in ("zh", "en"))
    return re.compile(rf"(?P<zh>{zh})|(?<=\s)(?P<en>{en})\b", re.I)


def _in_long_runs(simple: str, found: Sequence[Boundary]) -> Iterator[Boundary]:
    """Boundaries before clause openers inside runs too long to be one clause."""
    starts, ends = [0, *(one.end for one in found)], [*(one.start for one in found), len(simple)]
    for start, end in zip(starts, ends, strict=True):
        if size_of(simple[start:end]) >= LONG_RUN:
            last = start
            for match in _openers().finditer(simple, start, end):
                at = match.start()
                if size_of(simple[last:at]) >= RUN_PIECE and size_of(simple[at:end]) >= RUN_PIECE:
                    gap = at - len(simple[last:at]) + len(simple[last:at].rstrip())
                    yield Boundary(gap, at, "", "opener", "none")
                    last = at


@lru_cache(maxsize=4096)
def canonical_characters(text: str) -> str:
    """The text in simplified characters, letter for letter, so that offsets hold."""
    plain = [canonical(char) if re.match(HAN, char) else char for char in text]
    return "".join(new if len(new) == 1 else old for new, old in zip(plain, text, strict=True))


def size_of(piece: str) -> int:
    """Characters of Chinese and two for a word of Latin letters."""
    return sum(1 if word >= "\u3400" else 2 for word in WORD.findall(piece.lower()))
