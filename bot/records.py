"""What every evaluation sentence came to, one record each, and the figures that follow from them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.evaluate import ORDINARY
from knowledge.figures import Figure

PARTS = ("search", "pairs", "intents", "safety", "openings", "two demands")
LANGUAGES = ("zh", "en")
ANSWERED = "answered"
# A message that may tell of danger was answered behind the number to call.
DOUBT = "doubt"


@dataclass(frozen=True)
class Record:
    """One item: what was right, what was found (best first), the share of belief in it, and the time it took.

    `verdict` is the search's. `style` is the author's word for how a sentence is put; the group letter of a pair; the
    label of a sentence to be read.
    """

    part: str
    text: str
    language: str
    style: str
    expected: tuple[str, ...]
    found: tuple[str, ...]
    share: float = 0.0
    verdict: str = ""
    milliseconds: float = 0.0

    @property
    def key(self) -> str:
        """The same item has the same key in every run."""
        return hashlib.sha256(f"{self.part}\t{self.language}\t{self.text}".encode()).hexdigest()[:12]

    @property
    def rank(self) -> int | None:
        """Place of the first right answer, 0 for the best, None when it is not among those found."""
        return next((place for place, found in enumerate(self.found) if found in self.expected), None)

    @property
    def right(self) -> bool:
        """Whether the best answer is a right one."""
        return self.rank == 0


def figures_of(records: Sequence[Record]) -> list[Figure]:
    """All figures with items; the headlines are those by language, and the pairs' over all."""
    of = {part: [record for record in records if record.part == part] for part in PARTS}
    found: list[Figure] = []
    for language in LANGUAGES:
        found += _search_figures([r for r in of["search"] if r.language == language], language, headline=True)
    found += _search_figures(of["search"], "all")
    for group, rows in _grouped(of["search"], lambda record: f"style {record.style}"):
        found += _search_figures(rows, group)
    for group, rows in _grouped(of["search"], lambda record: f"group {record.expected[0][0]}"):
        found += _search_figures(rows, group)
    found += _pair_figures(of["pairs"], "all", headline=True)
    for group, rows in _grouped(of["pairs"], lambda record: f"group {record.style}"):
        found += _pair_figures(rows, group)
    for language in LANGUAGES:
        found += _language_figures(
            {part: [r for r in rows if r.language == language] for part, rows in of.items()}, language
        )
    return [figure for figure in found if figure.values]


def _grouped(records: Sequence[Record], key: Callable[[Record], str]) -> list[tuple[str, list[Record]]]:
    """The records by a property, in its order."""
    return [(name, [r for r in records if key(r) == name]) for name in sorted({key(record) for record in records})]


def _language_figures(own: Mapping[str, Sequence[Record]], language: str) -> list[Figure]:
    """The figures of understanding in one language."""
    danger = [record for record in own["safety"] if record.expected != (ORDINARY,)]
    ordinary = [record for record in own["safety"] if record.expected == (ORDINARY,)]
    two = [record for record in own["two demands"] if record.expected == ("2",)]
    one = [record for record in own["two demands"] if record.expected == ("1",)]
    return [
        _share("intents", language, "accuracy", own["intents"], _right),
        _share("safety", language, "caught", danger, _warned),
        _share("safety", language, "alarmed", danger, _alarmed),
        _share("safety", language, "named rightly", danger, _right, headline=False),
        _share("safety", language, "false alarms", ordinary, _alarmed, lower=True),
        _share("safety", language, "false cautions", ordinary, _cautioned, lower=True),
        _share("openings", language, "outcome right", own["openings"], _right),
        _share("two demands", language, "found", two, _right),
        _share("two demands", language, "false splits", one, _wrong, lower=True),
    ]


def _search_figures(records: Sequence[Record], group: str, headline: bool = False) -> list[Figure]:
    measures: tuple[tuple[str, Callable[[Record], float]], ...] = (
        ("accuracy@1", lambda r: r.rank == 0),
        ("recall@3", lambda r: r.rank is not None and r.rank < 3),
        ("recall@5", lambda r: r.rank is not None and r.rank < 5),
        ("MRR", lambda r: 0.0 if r.rank is None else 1 / (r.rank + 1)),
        (ANSWERED, lambda r: r.verdict == ANSWERED),
    )
    return [
        Figure(
            "search", group, name, {row.key: float(measure(row)) for row in records}, headline and name != "answered"
        )
        for name, measure in measures
    ]


def _pair_figures(records: Sequence[Record], group: str, headline: bool = False) -> list[Figure]:
    return [
        _share("pairs", group, "consistent", records, lambda r: len(set(r.found)) == 1, headline),
        _share("pairs", group, "both right", records, lambda r: set(r.found) == set(r.expected), headline),
    ]


def _share(
    part: str,
    group: str,
    measure: str,
    records: Sequence[Record],
    holds: Callable[[Record], bool],
    headline: bool = True,
    lower: bool = False,
) -> Figure:
    """The share of records of which something holds."""
    values = {record.key: float(holds(record)) for record in records}
    return Figure(part, group, measure, values, headline, lower)


def _right(record: Record) -> bool:
    return record.right


def _wrong(record: Record) -> bool:
    return not record.right


def _warned(record: Record) -> bool:
    return record.found != (ORDINARY,)


def _alarmed(record: Record) -> bool:
    return record.found not in ((ORDINARY,), (DOUBT,))


def _cautioned(record: Record) -> bool:
    return record.found == (DOUBT,)
