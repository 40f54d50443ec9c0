"""What comes of returned cases: proposed by itself, decided by a supervisor, undoable, kept with who and when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, or_, select, update

from bot.cases.case import Actor, Case
from bot.cases.number import CaseNumber
from bot.cases.rows import local
from bot.cases.ruling import Ruling, RulingState, Scope, Support
from bot.cases.states import Role, Status
from bot.cases.tables import cases, rulings
from bot.cases.units import Place
from bot.errors import NotAllowed, RulingDecided, UnknownRuling
from bot.privacy import redact

RULERS = frozenset({Role.DISPATCHER, Role.SUPERVISOR})
KEPT = (Status.SIGNED, Status.HANDLING, Status.REPLIED, Status.CALLBACK, Status.CLOSED, Status.REDO)


class Rulings:
    """Rulings inside one transaction; the caller commits."""

    def __init__(self, connection: Connection, clock: Callable[[], datetime]) -> None:
        self._connection = connection
        self._clock = clock
        self.changed = False

    def propose(self, case: Case, to_unit: str, by: Actor) -> Ruling | None:
        """A ruling from a case about to be dispatched again after a return; None where it came back to the same unit.

        Nothing is proposed twice for one case and unit.
        """
        returned = next((event for event in reversed(case.timeline) if event.kind == "returned"), None)
        sent = [event.name for event in case.timeline if event.kind == "dispatched" and event.name]
        if returned is None or not sent or sent[-1] == to_unit or by.role not in RULERS:
            return None
        same = select(rulings).where(rulings.c.number == case.number, rulings.c.to_unit == to_unit)
        if self._connection.execute(same.limit(1)).first() is not None:
            return None
        return self.write(case, to_unit, returned.reason or "", by)

    def write(self, case: Case, to_unit: str, reason: str, by: Actor) -> Ruling:
        """Propose that a case belongs to a unit, against the one it was last sent to; its words are kept masked."""
        sent = [event.name for event in case.timeline if event.kind == "dispatched" and event.name]
        draft = case.draft
        made = self._connection.execute(
            insert(rulings)
            .values(
                number=case.number,
                text=redact(draft.description).text,
                language=case.language,
                category=draft.category,
                subcategory=draft.subcategory,
                service_item=draft.service_item,
                district=draft.district,
                subdistrict=draft.subdistrict,
                from_unit=case.handling.unit or (sent[-1] if sent else ""),
                to_unit=to_unit,
                duty_line=case.handling.duty_line,
                reason=redact(reason).text,
                state=RulingState.PROPOSED,
                as_rule=False,
                by=by.name or by.role,
                at=self._clock().astimezone(UTC),
            )
            .returning(rulings.c.id)
        )
        self.changed = True
        return self.by_id(int(made.scalar_one()))

    def approve(self, key: int, by: Actor, as_rule: bool = False, scope: Scope = Scope.DISTRICT) -> Ruling:
        """Let a ruling speak, as a rule too; raises UnknownRuling, NotAllowed or RulingDecided."""
        one = self._decidable(key, by, frozenset({RulingState.PROPOSED, RulingState.REJECTED}))
        place = self._place_of(one.number)
        keep = {"district": scope is not Scope.CITY, "subdistrict": scope is Scope.SUBDISTRICT}
        told = {name: getattr(place, name) if kept else None for name, kept in keep.items()}
        return self._decide(one, by, RulingState.APPROVED, as_rule=as_rule, **told)

    def reject(self, key: int, by: Actor) -> Ruling:
        """Let a ruling teach nothing; also takes back an approval. Raises as `approve` does."""
        one = self._decidable(key, by, frozenset({RulingState.PROPOSED, RulingState.APPROVED}))
        return self._decide(one, by, RulingState.REJECTED, as_rule=False)

    def undo(self, key: int, by: Actor) -> Ruling:
        """Make a decided ruling a proposal again, with the place of its case; raises as `approve` does."""
        one = self._decidable(key, by, frozenset({RulingState.APPROVED, RulingState.REJECTED}))
        place = self._place_of(one.number)
        told = {"district": place.district, "subdistrict": place.subdistrict}
        return self._decide(one, by, RulingState.PROPOSED, as_rule=False, **told)

    def by_id(self, key: int) -> Ruling:
        """The ruling of an id; raises UnknownRuling."""
        row = self._connection.execute(select(rulings).where(rulings.c.id == key)).one_or_none()
        if row is None:
            raise UnknownRuling(f"no ruling {key}")
        return self._ruling(row)

    def listed(
        self, state: RulingState | None = None, at_most: int | None = None, before: int | None = None
    ) -> tuple[Ruling, ...]:
        """Rulings of a state, the newest first; `before` goes on from an id."""
        query = select(rulings).order_by(rulings.c.id.desc())
        query = query.where(rulings.c.state == state) if state else query
        query = query.where(rulings.c.id < before) if before else query
        rows = self._connection.execute(query.limit(at_most) if at_most else query).all()
        return tuple(self._ruling(row) for row in rows)

    def approved(self) -> tuple[Ruling, ...]:
        """All that teach, oldest first."""
        return self.listed(RulingState.APPROVED)[::-1]

    def mark(self) -> str:
        """Changes whenever a decision on any ruling does, so that a reader knows when to read again."""
        of = (rulings.c.state, rulings.c.as_rule)
        query = select(*of, func.count(), func.sum(rulings.c.id), func.max(rulings.c.decided_at))
        decided = query.where(rulings.c.decided_at.is_not(None)).group_by(*of).order_by(*of)
        return ";".join("/".join(map(str, row)) for row in self._connection.execute(decided).all())

    def support(self, one: Ruling) -> Support:
        """What else is known of the matter of a ruling in its area."""
        alike = [
            other
            for other in self._about(one)
            if other.state is not RulingState.REJECTED and one.place.overlaps(other.place)
        ]
        same = (
            (cases.c.service_item == one.service_item)
            if one.service_item
            else ((cases.c.service_item.is_(None)) & (cases.c.subcategory == one.subcategory))
        )
        key = one.from_unit.partition(":")[0]
        # Wherever the ruling holds, the unit before may be one of many of its kind.
        kind = or_(cases.c.unit == key, cases.c.unit.startswith(f"{key}:", autoescape=True))
        query = select(func.count()).where(same, kind, cases.c.status.in_(KEPT))
        for column, told in ((cases.c.district, one.place.district), (cases.c.subdistrict, one.place.subdistrict)):
            query = query.where(column == told) if told else query
        return Support(
            sum(other.lead == one.lead for other in alike),
            tuple(other for other in alike if other.lead != one.lead),
            int(self._connection.execute(query).scalar_one()),
        )

    def _about(self, one: Ruling) -> tuple[Ruling, ...]:
        query = select(rulings).where(rulings.c.service_item == one.service_item)
        if not one.service_item:
            query = select(rulings).where(
                rulings.c.service_item.is_(None),
                rulings.c.subcategory == one.subcategory if one.subcategory else rulings.c.subcategory.is_(None),
                rulings.c.category == one.category,
            )
        return tuple(self._ruling(row) for row in self._connection.execute(query.order_by(rulings.c.id)).all())

    def _decidable(self, key: int, by: Actor, states: frozenset[RulingState]) -> Ruling:
        if by.role is not Role.SUPERVISOR:
            raise NotAllowed(f"{by.role} may not decide on rulings")
        row = self._connection.execute(select(rulings).where(rulings.c.id == key).with_for_update()).one_or_none()
        if row is None:
            raise UnknownRuling(f"no ruling {key}")
        if row.state not in states:
            raise RulingDecided(f"ruling {key} is {row.state}", {"state": row.state})
        return self._ruling(row)

    def _decide(self, one: Ruling, by: Actor, state: RulingState, **columns: Any) -> Ruling:
        decided = {"decided_by": by.name or by.role, "decided_at": self._clock().astimezone(UTC)}
        self._connection.execute(
            update(rulings).where(rulings.c.id == one.id).values(state=state, **decided, **columns)
        )
        self.changed = True
        return self.by_id(one.id)

    def _place_of(self, number: CaseNumber) -> Place:
        row = self._connection.execute(
            select(cases.c.district, cases.c.subdistrict).where(cases.c.number == number)
        ).one()
        return Place(row.district, row.subdistrict)

    def _ruling(self, row: Row[Any]) -> Ruling:
        zone = self._clock().tzinfo
        return Ruling(
            row.id,
            row.number,
            row.text,
            row.language,
            row.category,
            row.subcategory,
            row.service_item,
            Place(row.district, row.subdistrict),
            row.from_unit,
            row.to_unit,
            row.duty_line,
            row.reason,
            RulingState(row.state),
            bool(row.as_rule),
            row.by,
            local(row.at, zone),
            row.decided_by,
            local(row.decided_at, zone) if row.decided_at else None,
        )
