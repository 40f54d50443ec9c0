"""A ruling: what a returned case taught about who takes such a matter there, and what it goes against."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.cases.duty import DutyLine, DutyList
from bot.cases.examples import Example
from bot.cases.number import CaseNumber
from bot.cases.units import Place


class RulingState(StrEnum):
    """How far a ruling has come."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"


class Scope(StrEnum):
    """Where a ruling holds: as far as the case's sub-district, its district, or the whole city."""

    SUBDISTRICT = "subdistrict"
    DISTRICT = "district"
    CITY = "city"


@dataclass(frozen=True)
class Ruling:
    """A case that one unit returned and another took: the masked text, the matter, the place, the units, who decided.

    Without a district it holds everywhere. `as_rule` says that it is a line laid over the duty list as well.
    """

    id: int
    number: CaseNumber
    text: str
    language: str
    category: str | None
    subcategory: str | None
    service_item: str | None
    place: Place
    from_unit: str
    to_unit: str
    duty_line: str | None
    reason: str
    state: RulingState
    as_rule: bool
    by: str
    at: datetime
    decided_by: str | None
    decided_at: datetime | None

    @property
    def lead(self) -> str:
        """The key of the unit it speaks for."""
        return self.to_unit.partition(":")[0]

    @property
    def about(self) -> tuple[str | None, ...]:
        """The matter it rules on: the item, or the names where there is no item."""
        return (self.service_item,) if self.service_item else (None, self.subcategory, self.category)

    def example(self) -> Example:
        """What speaks for its unit when a similar text of its area comes."""
        return Example(self.id, self.text, self.lead, self.place)

    def rule(self, duty: DutyList) -> DutyLine:
        """The line it lays over a list: that of the returned case, narrowed to its area, with the unit that took it."""
        before = duty.by_id(self.duty_line) if self.duty_line else None
        words, kind = (before.words, before.type) if before and before.item == self.service_item else (None, None)
        fallback = before.fallback if before else self.lead
        return DutyLine(
            f"R{self.id}", self.category, None if self.service_item else self.subcategory, self.service_item, kind,
            self.place.district, self.place.subdistrict, words, self.lead, (), fallback, "ruling", self.id,
        )  # fmt: skip


@dataclass(frozen=True)
class Support:
    """How often the same was ruled, rulings for another unit, and cases that the unit before has kept all the same."""

    agreeing: int
    opposing: tuple[Ruling, ...]
    kept: int


class Conflict(StrEnum):
    """Why a ruling does not go with what else is known."""

    OTHER_RULING = "other_ruling"
    LIST_CHANGED = "list_changed"
    SHADOWS_LINE = "shadows_line"
    LIST_SAYS_SO = "list_says_so"


@dataclass(frozen=True)
class Against:
    """A conflict of a ruling; `other` is the id of the ruling (R12) or line it stands against, with its unit."""

    conflict: Conflict
    other: str
    unit: str


def conflicts(one: Ruling, opposing: tuple[Ruling, ...], duty: DutyList) -> tuple[Against, ...]:
    """What a ruling would go against: other rulings, and as a rule lines of the list that it would hide."""
    found = [Against(Conflict.OTHER_RULING, f"R{other.id}", other.to_unit) for other in opposing]
    before, sent = duty.by_id(one.duty_line or ""), one.from_unit.partition(":")[0]
    if one.duty_line and (before is None or before.lead != sent):
        found.append(Against(Conflict.LIST_CHANGED, one.duty_line, before.lead if before else ""))
    rule = one.rule(duty)
    for line in duty.lines:
        if line.ruling is None and line.scope == rule.scope:
            if line.lead == rule.lead:
                found.append(Against(Conflict.LIST_SAYS_SO, line.id, line.lead))
            elif line.id != one.duty_line:
                found.append(Against(Conflict.SHADOWS_LINE, line.id, line.lead))
    return tuple(found)


def rules_of(rulings: Iterable[Ruling], duty: DutyList) -> tuple[DutyLine, ...]:
    """The lines that approved rulings lay over a list, one a scope: the latest ruling's."""
    found: dict[object, DutyLine] = {}
    for one in sorted(rulings, key=lambda one: one.id):
        if one.as_rule:
            line = one.rule(duty)
            found[line.scope] = line
    return tuple(found.values())
