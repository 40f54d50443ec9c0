"""One thing a caller wants: the segments that tell it, the services it may be, and what it would be filed as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from bot.assist.reading import Reader, Reading, mean_vector
from bot.assist.types import weight_of
from bot.cases.analysis import Demand, DemandAnalyst
from bot.nlu.parse import Parse
from bot.nlu.safety import PREFIXES
from knowledge.catalogue import Catalogue, Kind
from knowledge.normal import canonical

Row = TypeVar("Row")
MAX_CHARS, MAX_SPOKEN = 280, 500
WHOLE, PIECE, ITEM, NOTED = 1.0, 1.0, 1.0, 0.5
MAX_NOTES = 4
# Of a talk without end the first segments, which tell the matter, and the latest ones are kept.
FIRST_TOLD, MOST_TOLD = 8, 32
SMOOTH = 0.05
FILING = 0.42
ASKING = ("ask_service", "ask_detail", "compare_services", "list_services")


@dataclass(frozen=True)
class Matter:
    """What was told of one matter; `ranked` are its services with their share of the belief, best first.

    `notes` are the agent's words on it, `whole` the telling segments read as one text, `demand` how they would be
    filed, `items` and `categories` how likely each hotline item and first-level name is by everybody's words, `types`
    how likely each type is by the whole, `parts` by each telling segment, with its weight.
    """

    told: tuple[Reading, ...] = ()
    notes: tuple[Reading, ...] = ()
    whole: Parse | None = None
    demand: Demand | None = None
    ranked: Mapping[str, float] = field(default_factory=dict)
    items: Mapping[str, float] = field(default_factory=dict)
    categories: Mapping[str, float] = field(default_factory=dict)
    covered: float = 0.0
    files: float = 0.0
    aspects: tuple[str, ...] = ()
    asking: Reading | None = None
    types: Mapping[str, float] = field(default_factory=dict)
    parts: tuple[tuple[Mapping[str, float], float], ...] = ()

    @property
    def text(self) -> str:
        """The telling segments as one text, the earliest first."""
        return joined(self.told)

    @property
    def spoken(self) -> str:
        """Everybody's words on the matter as one text."""
        comma = ", " if self.text.isascii() else "，"
        return comma.join((self.text, *(note.heard.text for note in self.notes)))[:MAX_SPOKEN]

    @property
    def parses(self) -> tuple[Parse, ...]:
        """The telling segments as understood one by one."""
        return tuple(one.parse for one in self.told if one.parse is not None)

    @property
    def best(self) -> tuple[str, float] | None:
        """The likeliest service and its share."""
        return next(iter(self.ranked.items()), None)

    @property
    def files_it(self) -> bool:
        """Whether something is to be filed rather than explained."""
        return self.files >= FILING


class MatterReader:
    """Reads a matter anew with each segment that tells of it."""

    def __init__(self, reader: Reader, analyst: DemandAnalyst, catalogue: Catalogue) -> None:
        self._reader, self._analyst, self._catalogue = reader, analyst, catalogue

    def heard(self, matter: Matter, reading: Reading) -> Matter:
        """The matter with one more telling segment."""
        assert reading.parse is not None
        told = _bounded((*matter.told, reading))
        text = joined(told)
        parses = tuple(one.parse for one in told if one.parse is not None)
        whole = reading.parse if len(told) == 1 else self._reader.together(text, parses)
        own = self._analyst.types(reading.parse.canonical, reading.parse.vector)
        weight = weight_of(reading.heard.text, reading.covered, reading.parse.probability("file_demand"))
        return self._read(
            replace(
                matter,
                told=told,
                whole=whole,
                demand=self._analyst.read(text, whole.vector),
                types=self._analyst.types(whole.canonical, whole.vector),
                parts=_bounded((*matter.parts, (own, weight))),
                aspects=reading.parse.aspects or matter.aspects,
                asking=reading if reading.parse.aspects or reading.parse.asks() else matter.asking,
            )
        )

    def noted(self, matter: Matter, reading: Reading) -> Matter:
        """The matter with the agent's words on it."""
        if not matter.told or len(matter.notes) >= MAX_NOTES:
            return matter
        note = self._reader.note(reading)
        return matter if note.parse is None else self._read(replace(matter, notes=(*matter.notes, note)))

    def _read(self, matter: Matter) -> Matter:
        """The matter with what follows from its words."""
        whole, told = matter.whole, matter.told
        assert whole is not None
        shares, covered = (told[0].shares, told[0].covered) if len(told) == 1 else self._reader.services(whole)
        noted = [note.parse for note in matter.notes if note.parse is not None]
        clean, vector = canonical(matter.spoken), mean_vector((*matter.parses, *noted))
        items = dict(self._analyst.items(clean, vector))
        files = self._files(told, whole, items, self._demanded(shares, covered))
        return replace(
            matter,
            ranked=self._ranked(matter, shares, covered, items, files),
            items=items,
            categories=self._analyst.categories(clean, vector)[0],
            covered=covered,
            files=files,
        )

    def _files(self, told: tuple[Reading, ...], whole: Parse, items: Mapping[str, float], demanded: float) -> float:
        """How likely the caller wants something filed: by intents, by the hotline items, and by the services found."""
        pieces = [one.parse for one in told if one.parse is not None]
        item = sum(share for code, share in items.items() if code in self._catalogue)
        found = sum(one.covered * self._demanded(one.shares, 1.0) for one in told)
        found = (found + SMOOTH) / (sum(one.covered for one in told) + 2 * SMOOTH)
        return (_lean([whole]) + 2 * _lean(pieces) + item + demanded + found) / 6

    def _demanded(self, shares: Mapping[str, float], covered: float) -> float:
        """How much of what a search found are hotline items, a half as far as nothing was found."""
        own = sum(share for code, share in shares.items() if self._catalogue[code].kind is Kind.DEMAND)
        return covered * own / max(sum(shares.values()), SMOOTH) + (1 - covered) / 2

    def _ranked(
        self,
        matter: Matter,
        shares: Mapping[str, float],
        covered: float,
        items: Mapping[str, float],
        files: float,
    ) -> dict[str, float]:
        """The services by what the whole text, its pieces and the reading as a demand say."""
        belief: dict[str, float] = {}
        parts = [(shares, WHOLE * (covered + SMOOTH))]
        parts += [(one.shares, PIECE * (one.covered + SMOOTH) / len(matter.told)) for one in matter.told]
        parts += [(one.shares, NOTED * (one.covered + SMOOTH) / len(matter.notes)) for one in matter.notes]
        parts.append(({code: share for code, share in items.items() if code in self._catalogue}, ITEM * files))
        for found, weight in parts:
            for code, share in found.items():
                belief[code] = belief.get(code, 0.0) + weight * share
        for code in belief:
            fits = files if self._catalogue[code].kind is Kind.DEMAND else 1 - files
            belief[code] *= 0.25 + 0.75 * fits
        total = sum(belief.values()) or 1.0
        return dict(sorted(((code, share / total) for code, share in belief.items()), key=lambda pair: -pair[1]))


def _bounded(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """The rows of one more segment than before, without the oldest beyond the first ones where they are too many."""
    return rows if len(rows) <= MOST_TOLD else (*rows[:FIRST_TOLD], *rows[FIRST_TOLD + 1 :])


def _lean(parses: Sequence[Parse]) -> float:
    """How much the intents of some texts lean to filing rather than asking."""
    danger = (share for parse in parses for name, share in parse.intents if name.startswith(PREFIXES))
    file = sum(parse.probability("file_demand") for parse in parses) + sum(danger)
    ask = sum(parse.probability(*ASKING) for parse in parses)
    return file / (file + ask + SMOOTH)


def joined(told: tuple[Reading, ...]) -> str:
    """The texts of segments as one, none begun beyond MAX_CHARS."""
    texts: list[str] = []
    for reading in told:
        if texts and sum(map(len, texts)) + len(reading.heard.text) > MAX_CHARS:
            continue
        denied = reading.parse is not None and reading.parse.denied
        text = reading.parse.asserted if reading.parse is not None and denied else reading.heard.text
        texts.append(text.strip(" ,，.。;；"))
    comma = ", " if all(text.isascii() for text in texts) else "，"
    return comma.join(texts)
