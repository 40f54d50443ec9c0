"""What citizens say of cases that another city handles, sent after them; told here where it cannot be sent."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, String, and_, cast, exists, literal, or_, select

from bot.cases.case import Actor, Case, Facts
from bot.cases.handover import State
from bot.cases.number import CaseNumber
from bot.cases.states import OPEN, Role
from bot.cases.tables import case_events, case_marks, cases, handovers
from bot.domain import Domain
from bot.errors import DeliveryFailed
from bot.privacy import redact
from bot.store import Store
from connectors.open311.records import TOKEN
from connectors.open311.remote import Remote

logger = logging.getLogger("chengda")
PASSED, NOT_PASSED = "passed_on", "not_passed_on"
SAID = "o311:said:"
# Event -> the response that puts it in words for the other city.
WORDS: Mapping[str, str] = {
    "supplemented": "utter_open311_pass_supplemented",
    "follower_supplemented": "utter_open311_pass_supplemented",
    "reopened": "utter_open311_pass_reopened",
    "redo": "utter_open311_pass_redo",
    "hastened": "utter_open311_pass_hastened",
    "follower_hastened": "utter_open311_pass_hastened",
}
# What a request does not tell that was made of the case later on; the rest is over by then.
LASTING = frozenset({"supplemented", "follower_supplemented", "reopened"})
KEPT = frozenset({"plate", "address"})
MOST_CHARS, AT_ONCE = 2000, 200
KEEP_TRYING = timedelta(days=3)
FAILURES = 3


@dataclass(frozen=True)
class Said:
    """One thing a citizen said of a case that has a number of its own there; from `since` on it can be sent."""

    event: int
    handover: int
    number: CaseNumber
    external: str
    kind: str
    at: datetime
    since: datetime
    text: str

    @property
    def mark(self) -> str:
        """The same for the same words sent to the same request."""
        return f"{SAID}{self.handover}:{self.event}"


@dataclass(frozen=True)
class Passing:
    """Sends what was said by the update extension; done again it sends nothing twice."""

    remote: Remote
    store: Store
    unit: str
    domain: Domain
    send_contact: bool = False

    def pass_on(self) -> int:
        """One round; gives how many words were sent or given up. What fails for a while stays for the next round."""
        done, failures = 0, 0
        blocked: set[CaseNumber] = set()
        for said in self._waiting():
            if said.number in blocked:
                continue
            try:
                self._send(said)
            except DeliveryFailed as error:
                failures += not error.final
                if not error.final and self.store.now() - said.since < KEEP_TRYING:
                    logger.warning("words on case %s cannot be passed on yet: %s", said.number, error)
                    blocked.add(said.number)
                else:
                    done += self._settle(said, NOT_PASSED, str(error))
                if failures == FAILURES:
                    break
            else:
                done += self._settle(said, PASSED, None)
        return done

    def _waiting(self) -> list[Said]:
        mark = literal(SAID) + cast(handovers.c.id, String) + literal(":") + cast(case_events.c.id, String)
        said = exists().where(case_marks.c.number == cases.c.number, case_marks.c.mark == mark)
        here: ColumnElement[bool] = and_(
            handovers.c.unit == self.unit,
            handovers.c.state.in_((State.SENT, State.ACKNOWLEDGED)),
            handovers.c.external_id.is_not(None),
            ~handovers.c.external_id.startswith(TOKEN),
            cases.c.status.in_(sorted(OPEN)),
        )
        lasting = or_(case_events.c.kind.in_(sorted(LASTING)), case_events.c.at >= handovers.c.created_at)
        query = (
            select(case_events, handovers.c.id.label("handover"), handovers.c.external_id, handovers.c.changed_at)
            .join(handovers, handovers.c.number == case_events.c.number)
            .join(cases, cases.c.number == case_events.c.number)
            .where(here, case_events.c.kind.in_(sorted(WORDS)), lasting, ~said)
            .order_by(case_events.c.id)
            .limit(AT_ONCE)
        )
        with self.store.read() as work:
            return [
                Said(
                    row.id, row.handover, row.number, row.external_id, row.kind,
                    at := row.at.replace(tzinfo=row.at.tzinfo or UTC),
                    max(at, row.changed_at.replace(tzinfo=row.changed_at.tzinfo or UTC)), row.note or row.reason or "",
                )
                for row in work.connection.execute(query)
            ]  # fmt: skip

    def _send(self, said: Said) -> None:
        with self.store.read() as work:
            case = work.cases.by_number(said.number)
        fields = {
            "service_request_id": said.external,
            "update_id": f"{said.number}/{said.handover}/{said.event}",
            "updated_datetime": said.at.isoformat(timespec="seconds"),
            "status": "OPEN",
            "description": self._words(case, said),
        }
        self.remote.update(fields)

    def _words(self, case: Case, said: Said) -> str:
        text = said.text
        if case.anonymous or not self.send_contact:
            text = redact(text, KEPT).text
        return self.domain.text(WORDS[said.kind], case.language, text=text).strip()[:MOST_CHARS]

    def _settle(self, said: Said, kind: str, error: str | None) -> bool:
        """Write what came of it, once; where it was not sent, how the citizen or the desk can tell it themselves."""
        contact = self.remote.contact() if error is not None else None
        with self.store.work() as work:
            case = work.cases.held(said.number)
            if not work.cases.mark(said.number, said.mark):
                return False
            note = None
            if error is not None:
                note = self.domain.text(
                    "utter_open311_not_passed",
                    case.language,
                    what=self.domain.text(f"utter_note_{said.kind}", case.language),
                    request=said.external,
                    contact=contact or self.domain.text("utter_open311_contact_unknown", case.language),
                )
            work.cases.record(said.number, kind, Actor(Role.SYSTEM, unit=self.unit), Facts(note, error), case.status)
        return True
