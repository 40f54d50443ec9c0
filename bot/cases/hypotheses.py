"""What a demand may be about, which units that leads to, and what speaks for and against each of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.cases.analysis import Demand
from bot.cases.belief import Signs
from bot.cases.duty import DutyLine, DutyList, Matter
from bot.cases.examples import Voice
from bot.cases.units import Place
from knowledge.catalogue import Catalogue

# Labels with their probabilities by head (service_item, subcategory, category), the likeliest first.
Shares = Mapping[str, Sequence[tuple[str, float]]]
LEAST = 0.02  # share below which a label is no hypothesis
NO_ITEM = "none"


class Source(StrEnum):
    """What made a unit a candidate, the most exact first."""

    ITEM = "item"
    SECOND = "second"
    RUNNER_UP = "runner_up"
    FIRST = "first"
    RULING = "ruling"
    FALLBACK = "fallback"


_KIND = {Source.ITEM: "item", Source.RUNNER_UP: "item", Source.SECOND: "second level", Source.FIRST: "first level"}


@dataclass(frozen=True)
class Hypothesis:
    """One label a demand may have, and the share of belief in it."""

    source: Source
    matter: Matter
    share: float


@dataclass(frozen=True, eq=False)
class Reading:
    """Hypotheses that come to one unit, the most exact first; none where only an example speaks for the unit."""

    lead: str
    line: DutyLine | None
    hypotheses: tuple[Hypothesis, ...]

    @property
    def source(self) -> Source:
        """What it rests on most exactly."""
        return self.hypotheses[0].source if self.hypotheses else Source.RULING

    def mass(self, kind: str) -> float:
        """The belief in all its labels of a kind."""
        return sum(one.share for one in self.hypotheses if _KIND[one.source] == kind)


def readings(
    demand: Demand, place: Place, shares: Shares, voices: Sequence[Voice], duty: DutyList, catalogue: Catalogue
) -> list[Reading]:
    """The readings of a demand, each with the line it leads to.

    Hypotheses for which the list names one unit in general are one reading; its most exact one is what place, words
    and rulings then narrow to a line.
    """
    text = f"{demand.text} {demand.place or ''}"
    together: dict[str, list[Hypothesis]] = {}
    order = list(Source)
    for one in sorted(_hypotheses(demand, shares, duty, catalogue), key=lambda h: (order.index(h.source), -h.share)):
        general = duty.general(one.matter)
        if general is not None:
            together.setdefault(general.lead, []).append(one)
    found = []
    for own in together.values():
        line = duty.line(own[0].matter, place, demand.type, text)
        if line is not None:
            found.append(Reading(line.lead, line, tuple(own)))
    led = {one.lead for one in found}
    return found + [Reading(v.lead, None, ()) for v in voices if v.lead not in led and v.lead in duty.units]


def _hypotheses(demand: Demand, shares: Shares, duty: DutyList, catalogue: Catalogue) -> Iterator[Hypothesis]:
    for label, share in _labels(shares.get("service_item"), demand.service_item, demand.confidence).items():
        if label in catalogue:
            source = Source.ITEM if label == demand.service_item else Source.RUNNER_UP
            yield Hypothesis(source, Matter(label, None, catalogue[label].category), share)
    for label, share in _labels(shares.get("subcategory"), demand.subcategory, demand.confidence).items():
        yield Hypothesis(Source.SECOND, Matter(None, label, duty.category_of(label)), share)
    for label, share in _labels(shares.get("category"), demand.category, demand.confidence).items():
        yield Hypothesis(Source.FIRST, Matter(None, None, label), share)


def _labels(shares: Sequence[tuple[str, float]] | None, read: str | None, belief: float) -> dict[str, float]:
    """The likely labels; the one that was read is among them, and alone where no shares are known."""
    told = {label: share for label, share in shares or () if share >= LEAST and label != NO_ITEM}
    if read is not None:
        told.setdefault(read, belief if shares is None else 0.0)
    return told


def signs_of(one: Reading, found: Sequence[Reading], voices: Sequence[Voice], demand: Demand) -> Signs:
    """What speaks for and against a reading, by name."""
    signs: Signs = {"always": 1.0, "read surely": demand.confidence, "nothing else": float(len(found) == 1)}
    for kind in dict.fromkeys(_KIND.values()):
        mine = one.mass(kind)
        rival = max((other.mass(kind) for other in found if other is not one), default=0.0)
        signs |= {f"{kind}: share": mine, f"{kind}: rival": rival, f"{kind}: odds": _odds(mine)}
    for source in (Source.ITEM, Source.SECOND):
        signs[f"by {source}"] = float(one.source is source)
    signs["item read, not its"] = float(bool(demand.service_item) and one.source is not Source.ITEM)
    signs["ruling for"] = max((voice.weight for voice in voices if voice.lead == one.lead), default=0.0)
    signs["ruling against"] = max((voice.weight for voice in voices if voice.lead != one.lead), default=0.0)
    return signs


def _odds(share: float) -> float:
    bounded = min(0.98, max(0.02, share))
    return math.log(bounded / (1 - bounded))
