"""Duplicates at the desk: the open cases that one may repeat, with what speaks for and against each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.cases.case import Case, CaseDraft
from bot.cases.duplicate_finder import SECONDS_A_DAY, DuplicateFinder, Found
from bot.cases.number import CaseNumber
from bot.cases.states import OPEN
from bot.store import Work

# Lower than before filing: a person decides, and sees what speaks against it.
LEAST = 0.2
NEAR_DAYS, FAR_DAYS = 3.0, 21.0


class Reason(StrEnum):
    """What speaks for two cases telling of one event."""

    ITEM = "same_item"
    MATTER = "same_matter"
    PLACE = "same_place"
    SUBDISTRICT = "same_subdistrict"
    TIME = "near_time"


class Contradiction(StrEnum):
    """What speaks against it."""

    ITEM = "other_item"
    MATTER = "other_matter"
    PLACE = "other_place"
    SUBDISTRICT = "other_subdistrict"
    TIME = "far_apart"


@dataclass(frozen=True)
class Candidate:
    """An open case, the probability that it tells of the same event, and why; None is not known of one of them."""

    case: Case
    score: float
    same_item: bool | None
    same_subdistrict: bool | None
    same_place: bool | None
    days_apart: float
    reasons: tuple[Reason, ...]
    contradictions: tuple[Contradiction, ...]


@dataclass(frozen=True)
class _Pair:
    draft: CaseDraft
    at: datetime
    other: Case
    signs: Mapping[str, float]

    @property
    def days(self) -> float:
        return abs((self.at - self.other.filed_at).total_seconds()) / SECONDS_A_DAY

    def same(self, field: Callable[[CaseDraft], str | None]) -> bool | None:
        ours, theirs = field(self.draft), field(self.other.draft)
        return ours == theirs if ours and theirs else None

    def item(self) -> bool | None:
        return self.same(lambda draft: draft.service_item)

    def matter(self) -> bool | None:
        if self.signs.get("thing_shared"):
            return True
        return False if self.signs.get("thing_apart") else None

    def place(self) -> bool | None:
        """A road, estate or landmark that both name; another one, or another number of it, is another place."""
        if self.signs.get("misplaced") or self.signs.get("parts_other"):
            return False
        return True if self.signs.get("placed") else None

    def subdistrict(self) -> bool | None:
        """Another district is another sub-district."""
        if self.same(lambda draft: draft.district) is False:
            return False
        return self.same(lambda draft: draft.subdistrict)

    def time(self) -> bool | None:
        if self.days <= NEAR_DAYS:
            return True
        return False if self.days > FAR_DAYS else None


_SAID: tuple[tuple[Callable[[_Pair], bool | None], Reason, Contradiction], ...] = (
    (_Pair.item, Reason.ITEM, Contradiction.ITEM),
    (_Pair.matter, Reason.MATTER, Contradiction.MATTER),
    (_Pair.place, Reason.PLACE, Contradiction.PLACE),
    (_Pair.subdistrict, Reason.SUBDISTRICT, Contradiction.SUBDISTRICT),
    (_Pair.time, Reason.TIME, Contradiction.TIME),
)


def candidates(work: Work, finder: DuplicateFinder | None, number: CaseNumber) -> tuple[Candidate, ...]:
    """Open cases that an open one may repeat, the likeliest first; none without a finder. Raises UnknownCase."""
    case = work.cases.by_number(number)
    if finder is None or case.status not in OPEN:
        return ()
    found = finder.find(work.connection, work.cases, case.draft, case.filed_at, LEAST)
    return tuple(candidate(case.draft, case.filed_at, one) for one in found if one.case.number != number)


def candidate(draft: CaseDraft, at: datetime, found: Found) -> Candidate:
    """What speaks for and against a case found for a draft of a moment, filed or not."""
    pair = _Pair(draft, at, found.case, found.signs)
    said = [(test(pair), reason, contradiction) for test, reason, contradiction in _SAID]
    return Candidate(
        found.case,
        found.share,
        pair.item(),
        pair.subdistrict(),
        pair.place(),
        round(pair.days, 1),
        tuple(reason for holds, reason, _ in said if holds),
        tuple(contradiction for holds, _, contradiction in said if holds is False),
    )
