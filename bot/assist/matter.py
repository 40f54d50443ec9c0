"""One thing a caller wants: the segments that tell it, the services it may be, and what it would be filed as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.assist.reading import Reader, Reading
from bot.cases.analysis import Demand, DemandAnalyst
from bot.nlu.parse import Parse
from knowledge.catalogue import Catalogue, Kind

MAX_CHARS = 280
WHOLE, PIECE, ITEM = 1.0, 1.0, 1.0
SMOOTH = 0.05
FILING = 0.5


@dataclass(frozen=True)
class Matter:
    """What was told of one matter; `ranked` are its services with their share of the belief, best first.

    `whole` is the telling segments read as one text, `demand` how they would be filed.
    """

    told: tuple[Reading, ...] = ()
    whole: Parse | None = None
    demand: Demand | None = None
    ranked: Mapping[str, float] = field(default_factory=dict)
    covered: float = 0.0
    files: float = 0.0
    aspects: tuple[str, ...] = ()
    asking: Reading | None = None

    @property
    def text(self) -> str:
        """The telling segments as one text, the earliest first."""
        return joined(self.told)

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
        told = (*matter.told, reading)
        assert reading.parse is not None
        text = joined(told)
        whole = reading.parse if len(told) == 1 else self._reader.understand(text)
        shares, covered = (reading.shares, reading.covered) if len(told) == 1 else self._reader.services(whole)
        demand = self._analyst.read(text)
        items = dict(self._analyst.items(whole.asserted, whole.vector))
        files = self._files(told, whole, items)
        ranked = self._ranked(told, shares, covered, items, files)
        aspects = reading.parse.aspects or matter.aspects
        asking = reading if reading.parse.aspects or reading.parse.asks() else matter.asking
        return Matter(told, whole, demand, ranked, covered, files, aspects, asking)

    def _files(self, told: tuple[Reading, ...], whole: Parse, items: Mapping[str, float]) -> float:
        """How likely the caller wants something filed."""
        file = whole.probability("file_demand") + sum(
            share for name, share in whole.intents if name.startswith(("emergency", "crisis"))
        )
        ask = whole.probability("ask_service", "ask_detail", "compare_services", "list_services")
        item = sum(share for code, share in items.items() if code in self._catalogue)
        for reading in told[:-1] if len(told) > 1 else ():
            assert reading.parse is not None
            file += 0.5 * reading.parse.probability("file_demand")
            ask += 0.5 * reading.parse.probability("ask_service", "ask_detail")
        lean = file / max(file + ask, SMOOTH)
        return 0.6 * lean + 0.4 * item

    def _ranked(
        self,
        told: tuple[Reading, ...],
        shares: Mapping[str, float],
        covered: float,
        items: Mapping[str, float],
        files: float,
    ) -> dict[str, float]:
        """The services by what the whole text, its pieces and the reading as a demand say."""
        belief: dict[str, float] = {}
        parts = [(shares, WHOLE * (covered + SMOOTH))]
        parts += [(one.shares, PIECE * (one.covered + SMOOTH) / len(told)) for one in told]
        parts.append(({code: share for code, share in items.items() if code in self._catalogue}, ITEM * files))
        for found, weight in parts:
            for code, share in found.items():
                belief[code] = belief.get(code, 0.0) + weight * share
        for code in belief:
            fits = files if self._catalogue[code].kind is Kind.DEMAND else 1 - files
            belief[code] *= 0.25 + 0.75 * fits
        total = sum(belief.values()) or 1.0
        return dict(sorted(((code, share / total) for code, share in belief.items()), key=lambda pair: -pair[1]))


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
