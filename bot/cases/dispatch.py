"""Which unit a demand goes to, why that one, how surely, and who decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.cases.analysis import Demand
from bot.cases.belief import Belief, Signs
from bot.cases.case import SYSTEM, Case, CaseDraft, Facts
from bot.cases.duty import DutyLine, DutyList, Matter
from bot.cases.examples import NO_EXAMPLES, Examples
from bot.cases.hypotheses import Shares, Source, readings, signs_of
from bot.cases.number import CaseNumber
from bot.cases.states import Move, Status
from bot.cases.units import Place, UnitId
from bot.store import Work
from knowledge.catalogue import Catalogue

Analyse = Callable[[str], Sequence[Demand]]


class Decided(StrEnum):
    """Who decides."""

    AUTO = "auto"
    DISPATCHER = "dispatcher"


@dataclass(frozen=True)
class Candidate:
    """A unit that may take the lead, and the belief that it is right; `unit` is None while its place is missing."""

    lead: str
    unit: UnitId | None
    source: Source
    line: DutyLine | None
    needs: tuple[str, ...]
    confidence: float
    rulings: tuple[int, ...] = ()


@dataclass(frozen=True)
class Why:
    """What a suggestion rests on: words of the demand, its item or name, its place, and rulings on similar cases."""

    words: tuple[str, ...]
    item: str | None
    subcategory: str | None
    category: str | None
    place: Place
    rulings: tuple[int, ...] = ()


@dataclass(frozen=True)
class Suggestion:
    """Where a demand goes. `needs` names the parts of a place that are to be asked for first."""

    lead: str
    unit: UnitId | None
    assisting: tuple[UnitId, ...]
    fallback: UnitId | None
    source: Source
    line: DutyLine | None
    runner_up: Candidate | None
    confidence: float
    needs: tuple[str, ...]
    why: Why
    decided: Decided
    version: str

    def facts(self) -> Facts:
        """What a dispatch on this suggestion brings along."""
        return Facts(
            unit=self.unit,
            assisting=tuple(one for one in self.assisting if one != self.unit),
            duty_line=self.line.id if self.line else None,
            duty_version=self.version,
            confidence=self.confidence,
        )


class Dispatcher:
    """Suggests a unit for a demand from the duty list and what rulings taught."""

    def __init__(
        self,
        duty: DutyList,
        catalogue: Catalogue,
        analyse: Analyse,
        belief: Belief,
        weigh: Callable[[str], Shares] = lambda text: {},
        examples: Examples = NO_EXAMPLES,
    ) -> None:
        """`analyse` reads the demands of a text, `weigh` how likely which labels of one are."""
        self.duty = duty
        self.belief = belief
        self.examples = examples
        self._catalogue = catalogue
        self._analyse = analyse
        self._weigh = weigh

    def taught(self, rules: Sequence[DutyLine], examples: Examples) -> Dispatcher:
        """The same with lines and examples of rulings laid over."""
        duty = self.duty.laid_over(rules)
        return Dispatcher(duty, self._catalogue, self._analyse, self.belief, self._weigh, examples)

    def of_draft(self, draft: CaseDraft) -> Suggestion:
        """Where a draft goes; what it states of itself stands above what is read out of its words."""
        demand = self.read(draft.description, draft.service_item)
        same_district = draft.district in (None, demand.district)
        same = draft.service_item in (None, demand.service_item) and draft.category in (None, demand.category)
        return self.suggest(
            replace(
                demand,
                text=draft.description,
                type=draft.type,
                category=draft.category or demand.category,
                service_item=draft.service_item or demand.service_item,
                subcategory=draft.subcategory or demand.subcategory,
                place=draft.location or demand.place,
                district=draft.district or demand.district,
                subdistrict=draft.subdistrict or (demand.subdistrict if same_district else None),
            ),
            None if same else {},
        )

    def read(self, text: str, item: str | None = None) -> Demand:
        """The demand of a text; where it holds several, the one of an item, else the first."""
        found = self._analyse(text)
        return next((one for one in found if one.service_item == item), found[0])

    def suggest(self, demand: Demand, shares: Shares | None = None) -> Suggestion:
        """Where a demand goes; `shares` are the probabilities of its labels by head, weighed anew when not given.

        Empty ones leave it at what the demand was read as, such as labels a person has set.
        """
        shares = self._weigh(demand.text) if shares is None else shares
        place = self.duty.units.located(demand.district, demand.subdistrict)
        ranked = self._ranked(demand, place, shares)
        best = ranked[0]
        runner_up = next((one for one in ranked[1:] if one.lead != best.lead), None)
        line, units = best.line, self.duty.units
        sure = best.confidence >= self.belief.floor and best.unit is not None and best.source is not Source.FALLBACK
        matter = self._matter(best, demand)
        return Suggestion(
            best.lead,
            best.unit,
            tuple(unit for key in (line.assisting if line else ()) if (unit := units.at(key, place))),
            units.nearest(line.fallback, place) if line else best.unit,
            best.source,
            line,
            runner_up,
            best.confidence,
            best.needs,
            Why(demand.why, matter.item, matter.subcategory, matter.category, place, best.rulings),
            Decided.AUTO if sure else Decided.DISPATCHER,
            self.duty.version,
        )

    def signs(self, demand: Demand, shares: Shares | None = None) -> list[tuple[str, UnitId | None, Signs]]:
        """The candidates' leads and units with what speaks for and against each, to learn the belief from."""
        shares = self._weigh(demand.text) if shares is None else shares
        place = self.duty.units.located(demand.district, demand.subdistrict)
        voices = self.examples.heard(demand.text, place)
        found = readings(demand, place, shares, voices, self.duty, self._catalogue)
        return [(one.lead, self.duty.units.at(one.lead, place), signs_of(one, found, voices, demand)) for one in found]

    def _ranked(self, demand: Demand, place: Place, shares: Shares) -> list[Candidate]:
        """The candidates, the likeliest first; the fallback alone where nothing fits."""
        voices = self.examples.heard(demand.text, place)
        found = readings(demand, place, shares, voices, self.duty, self._catalogue)
        ranked = []
        for one in found:
            unit = self.duty.units.at(one.lead, place)
            needs = tuple(need for need in self.duty.units.rows[one.lead].needs if not place.knows(need))
            confidence = round(self.belief.of(signs_of(one, found, voices, demand)), 4)
            rulings = tuple(voice.ruling for voice in voices if voice.lead == one.lead)
            ranked.append(Candidate(one.lead, unit, one.source, one.line, needs, confidence, rulings))
        ranked.sort(key=lambda one: -one.confidence)
        return ranked or [self._last_resort(place)]

    def _last_resort(self, place: Place) -> Candidate:
        units = self.duty.units
        unit = units.nearest("STREET", place) if "STREET" in units else None
        return Candidate(unit.partition(":")[0] if unit else "", unit, Source.FALLBACK, None, (), 0.0)

    def _matter(self, best: Candidate, demand: Demand) -> Matter:
        """What the winning line is about; all that was read where a ruling alone speaks."""
        line = best.line
        if line is None:
            return Matter(demand.service_item, demand.subcategory, demand.category)
        return Matter(line.item, line.subcategory, line.category)


def dispatch_case(work: Work, dispatcher: Dispatcher, number: CaseNumber) -> tuple[Case, Suggestion]:
    """Accept and dispatch a case that waits, when the suggestion is sure; else it stays for a dispatcher."""
    case = work.cases.by_number(number)
    suggestion = dispatcher.of_draft(case.draft)
    if suggestion.decided is not Decided.AUTO or case.status not in (Status.SUBMITTED, Status.ACCEPTED):
        return case, suggestion
    if case.status is Status.SUBMITTED:
        work.cases.move(number, Move.ACCEPT, SYSTEM)
    return work.cases.move(number, Move.DISPATCH, SYSTEM, suggestion.facts()), suggestion
