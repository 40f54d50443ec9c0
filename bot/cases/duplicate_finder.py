"""Open cases that tell of what a new report tells of: candidates by meaning and by place, judged by the pair model."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from sqlalchemy import Connection, select

from bot.cases.case import Case, CaseDraft
from bot.cases.case_index import CaseIndex, Progress
from bot.cases.duplicates import PairModel, read_pair_weights
from bot.cases.followers import Followers
from bot.cases.number import CaseNumber
from bot.cases.reports import Floats, Report, ReportReader, Told
from bot.cases.states import OPEN
from bot.cases.store import DatabaseCases
from bot.cases.tables import cases
from knowledge.city import City
from knowledge.encoder import Encoder
from knowledge.linear_head import LinearHead

BY_MEANING, BY_PLACE = 12, 8
LEAST_COSINE = 0.45
SECONDS_A_DAY = 86400.0
REMEMBERED = 2000


@dataclass(frozen=True)
class Found:
    """An open case, how likely it tells of the same event, and the signs that say so."""

    case: Case
    share: float
    signs: Mapping[str, float]


class DuplicateFinder:
    """Looks through the open cases; one a process."""

    def __init__(self, encoder: Encoder, heads: Mapping[str, LinearHead], city: City, model: PairModel | None = None):
        self.model = model or PairModel()
        self._reader = ReportReader(encoder, heads, city)
        self.index = CaseIndex(encoder.name, encoder.dimension, self._reader.vector)
        self._read: OrderedDict[str, Report] = OrderedDict()
        self._lock = Lock()

    @property
    def threshold(self) -> float:
        """The probability from which on two reports count as one event."""
        return self.model.threshold

    def load(self, connection: Connection, progress: Progress = lambda done, count: None) -> int:
        """Fill the index from the database; gives how many cases had to be encoded."""
        return self.index.load(connection, progress)

    def vector(self, text: str) -> Floats:
        """The vector that the index keeps of a report."""
        return self._reader.vector(text)

    def find(
        self, connection: Connection, store: DatabaseCases, draft: CaseDraft, now: datetime, least: float | None = None
    ) -> tuple[Found, ...]:
        """Open cases that a draft may repeat, the likeliest first, from a probability on, the threshold by default."""
        new = self._reader.read(told_of(draft, now))
        near = self.index.search(connection, new.whole, BY_MEANING)
        numbers = [one.number for one in near if one.cosine >= LEAST_COSINE]
        numbers += [number for number in _placed(connection, draft) if number not in numbers]
        bar = self.threshold if least is None else least
        found = []
        for case in store.found_by(select(cases).where(cases.c.number.in_(numbers), cases.c.status.in_(OPEN))):
            likeness = self.model.compare(new, self.report(case))
            if likeness.share >= bar:
                found.append(Found(case, likeness.share, likeness.signs))
        return tuple(sorted(found, key=lambda one: (-one.share, one.case.number)))

    def report(self, case: Case) -> Report:
        """A case as it is compared; the last ones are kept."""
        key = f"{case.number} {case.draft.location} {case.draft.description}"
        with self._lock:
            known = self._read.get(key)
            if known is not None:
                self._read.move_to_end(key)
                return known
        made = self._reader.read(told_of(case.draft, case.filed_at))
        with self._lock:
            self._read[key] = made
            if len(self._read) > REMEMBERED:
                self._read.popitem(last=False)
        return made


@dataclass(frozen=True)
class KnownCases:
    """The finder and the followers inside one transaction."""

    finder: DuplicateFinder
    connection: Connection
    store: DatabaseCases
    followers: Followers
    now: datetime

    def find(self, draft: CaseDraft) -> tuple[Found, ...]:
        """Open cases that a draft surely repeats, the likeliest first."""
        return self.finder.find(self.connection, self.store, draft, self.now)


def finder_of(encoder: Encoder, heads: Mapping[str, LinearHead], city: City) -> DuplicateFinder | None:
    """The finder, None for an encoder that the pair model was not learnt with."""
    return DuplicateFinder(encoder, heads, city) if encoder.name == read_pair_weights().encoder else None


def told_of(draft: CaseDraft, at: datetime) -> Told:
    """A draft as a report of a moment."""
    return Told(draft.description, at.timestamp() / SECONDS_A_DAY, draft.location, draft.subdistrict)


def _placed(connection: Connection, draft: CaseDraft) -> list[CaseNumber]:
    """The newest open cases of the same item in the same sub-district."""
    if not draft.service_item or not draft.subdistrict:
        return []
    query = select(cases.c.number).where(
        cases.c.service_item == draft.service_item,
        cases.c.subdistrict == draft.subdistrict,
        cases.c.status.in_(OPEN),
    )
    return [
        CaseNumber(n) for n in connection.execute(query.order_by(cases.c.filed_at.desc()).limit(BY_PLACE)).scalars()
    ]
