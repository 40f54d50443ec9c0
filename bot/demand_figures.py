"""How well demands are read out of messages: each field's figure on written messages, by language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.cases.analysis import Demand, DemandAnalyst
from bot.cases.letters import Letter, Told
from knowledge.figures import Figure

PART = "demands"
URGENT = ("urgent", "emergency")
LANGUAGES = ("zh", "en", "mixed")


@dataclass(frozen=True)
class Pair:
    """A demand told, the one read that covers most of its words, and the key of the two."""

    key: str
    told: Told
    read: Demand


def demand_figures(
    letters: Sequence[Letter], analyst: DemandAnalyst, progress: Callable[[int], None] = lambda done: None
) -> list[Figure]:
    """The figures of all fields, over all messages and by language."""
    read = {}
    for done, letter in enumerate(letters, start=1):
        read[letter.key] = analyst.analyse(letter.text)
        progress(done)
    groups = [("all", list(letters)), *((name, [one for one in letters if one.language == name]) for name in LANGUAGES)]
    return [figure for group, own in groups for figure in _figures(group, own, read) if figure.values]


def pairs_of(letter: Letter, read: Sequence[Demand]) -> list[Pair]:
    """Every demand told beside the demand read that covers most of its words."""
    spans = [_span(letter.text, one.text) for one in read]
    found = []
    for place, told in enumerate(letter.demands):
        start, end = _span(letter.text, told.part)
        best = max(range(len(read)), key=lambda n: min(end, spans[n][1]) - max(start, spans[n][0]))
        found.append(Pair(f"{letter.key}{place}", told, read[best]))
    return found


def _span(text: str, part: str) -> tuple[int, int]:
    start = max(0, text.find(part))
    return start, start + len(part)


def _figures(group: str, letters: Sequence[Letter], read: Mapping[str, Sequence[Demand]]) -> list[Figure]:
    several = {one.key: float(len(read[one.key]) == len(one.demands)) for one in letters if len(one.demands) > 1}
    split = {one.key: float(len(read[one.key]) > 1) for one in letters if len(one.demands) == 1}
    pairs = [pair for letter in letters for pair in pairs_of(letter, read[letter.key])]
    named = [p for p in pairs if p.told.district]
    sub = [p for p in pairs if p.told.subdistrict]
    urgent = [p for p in pairs if p.told.urgency in URGENT]
    calm = [p for p in pairs if p.told.urgency not in URGENT]
    unnamed = [p for p in pairs if not p.told.district]
    given = [p for p in pairs if p.read.category]

    def share(name: str, over: Sequence[Pair], right: Callable[[Pair], bool], lower: bool = False) -> Figure:
        values = {pair.key: float(right(pair)) for pair in over}
        return Figure(PART, group, name, values, group == "all", lower)

    return [
        Figure(PART, group, "several found", several, group == "all"),
        Figure(PART, group, "falsely split", split, group == "all", True),
        share("type", pairs, lambda p: p.read.type == p.told.type),
        share("category, where given", given, lambda p: p.read.category == p.told.category),
        share("category coverage", pairs, lambda p: p.read.category is not None),
        share(
            "second level, where given",
            [p for p in pairs if p.read.subcategory],
            lambda p: p.read.subcategory == p.told.subcategory,
        ),
        share("second level coverage", pairs, lambda p: p.read.subcategory is not None),
        share("hotline item", pairs, lambda p: (p.read.service_item or "") == p.told.item),
        share("urgent found", urgent, lambda p: p.read.urgency in URGENT),
        share("urgent falsely", calm, lambda p: p.read.urgency in URGENT, True),
        share("district, where named", named, lambda p: p.read.district == p.told.district),
        share("district, falsely", unnamed, lambda p: p.read.district is not None, True),
        share("sub-district, where named", sub, lambda p: p.read.subdistrict == p.told.subdistrict),
        share("place touched", [p for p in pairs if p.told.place], lambda p: _touch(p.read.place, p.told.place)),
        share("time touched", [p for p in pairs if p.told.time], lambda p: _touch(p.read.time, p.told.time)),
    ]  # fmt: skip


def _touch(read: str | None, told: str) -> bool:
    """Whether one holds the other's words, or most of them."""
    if not read:
        return False
    one, other = read.lower(), told.lower()
    return one in other or other in one or any(piece in one for piece in other.split("，") if len(piece) > 1)
