"""Cases handed to another city over Open311, and what it says of them brought back."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
from sqlalchemy import select, update

from bot.cases.case import Actor, Case, Facts
from bot.cases.delivery import DeliveryOf
from bot.cases.handover import Handover, State
from bot.cases.number import CaseNumber
from bot.cases.states import Move, Role, Status
from bot.cases.tables import cases, handovers
from bot.domain import Domain
from bot.errors import DeliveryFailed
from bot.settings import Settings
from bot.store import Store, Work
from connectors.open311.passing import Passing
from connectors.open311.posted import LENGTHS
from connectors.open311.records import TOKEN, ServiceRequest
from connectors.open311.remote import Remote
from connectors.open311.services import ANONYMOUS, TYPE, WHEN, YES

logger = logging.getLogger("chengda")
TRIED, TOLD = "o311:tried:", "o311:told:"
NOTE_LENGTH = 2000
# Statuses in which we wait for the other city.
_WAITING = frozenset({Status.DISPATCHED, Status.SIGNED, Status.HANDLING, Status.REDO})


def reference_of(case: Case, handover: Handover) -> str:
    """Our own number for a hand-over, sent along, by which a request is found whose answer was lost."""
    return f"{case.number}/{handover.id}"


@dataclass(frozen=True)
class Open311Delivery:
    """A Delivery to one endpoint. Before any second try the endpoint is asked whether the first one arrived."""

    remote: Remote
    store: Store
    send_contact: bool = False

    def deliver(self, case: Case, handover: Handover) -> str | None:
        """File the case there; gives the number it has there. Raises DeliveryFailed."""
        fields = self._fields(case, handover)
        with self.store.work() as work:
            first = work.cases.mark(case.number, f"{TRIED}{handover.id}")
        if not first and (found := self._found(case, handover, fields["service_code"])) is not None:
            return found
        made = self.remote.post(fields, reference_of(case, handover))
        return made.service_request_id or f"{TOKEN}{made.token}"

    def _found(self, case: Case, handover: Handover, code: str) -> str | None:
        reference = reference_of(case, handover)
        for request in self.remote.since(case.filed_at, self.store.now(), code):
            if reference == request.account_id or f"[{reference}]" in (request.description or ""):
                return request.service_request_id
        return None

    def _fields(self, case: Case, handover: Handover) -> dict[str, str]:
        draft, reference = case.draft, reference_of(case, handover)
        tail = f"\n[{reference}]"
        where = draft.location or "".join(part for part in (draft.district, draft.subdistrict) if part)
        if draft.service_item is None or not (where or draft.latitude is not None):
            raise DeliveryFailed("a case without an item or a place cannot be handed on", final=True)
        fields = {
            "service_code": draft.service_item,
            "description": draft.description[: LENGTHS["description"] - len(tail)] + tail,
            "account_id": reference,
            f"attribute[{TYPE}]": str(draft.type),
        }
        if where:
            fields["address_string"] = where[: LENGTHS["address_string"]]
        if draft.latitude is not None and draft.longitude is not None:
            fields |= {"lat": f"{draft.latitude:.6f}", "long": f"{draft.longitude:.6f}"}
        if draft.occurred_at:
            fields[f"attribute[{WHEN}]"] = draft.occurred_at[:200]
        if case.anonymous:
            fields[f"attribute[{ANONYMOUS}]"] = YES
        elif self.send_contact and case.contact:
            fields["email" if "@" in case.contact else "phone"] = case.contact
        return fields


@dataclass(frozen=True)
class Follower:
    """Asks an endpoint how the cases stand that it has from us, and writes it into them as the system."""

    remote: Remote
    store: Store
    unit: str
    domain: Domain

    def follow(self) -> int:
        """One round; gives how many cases changed. Raises DeliveryFailed when the endpoint cannot be asked."""
        theirs = self._resolved(self._handed())
        changed = 0
        for request in self.remote.by_number(sorted(theirs)):
            number = theirs.get(request.service_request_id)
            if number is not None:
                with self.store.work() as work:
                    changed += self._take(work, number, request)
        return changed

    def _handed(self) -> list[tuple[int, CaseNumber, str]]:
        """The hand-overs that the endpoint has: id, our number, its number or token."""
        wanted = (
            handovers.c.unit == self.unit,
            handovers.c.state.in_((State.SENT, State.ACKNOWLEDGED)),
            handovers.c.external_id.is_not(None),
            cases.c.status.in_(sorted(_WAITING)),
        )
        joined = handovers.join(cases, cases.c.number == handovers.c.number)
        query = select(handovers.c.id, handovers.c.number, handovers.c.external_id).select_from(joined).where(*wanted)
        with self.store.read() as work:
            return [(row.id, row.number, row.external_id) for row in work.connection.execute(query)]

    def _resolved(self, handed: list[tuple[int, CaseNumber, str]]) -> dict[str, CaseNumber]:
        found: dict[str, CaseNumber] = {}
        for one, number, external in handed:
            known = external if not external.startswith(TOKEN) else self._number_of(one, external)
            if known is not None:
                found[known] = number
        return found

    def _number_of(self, handover: int, token: str) -> str | None:
        number = self.remote.token(token.removeprefix(TOKEN))
        if number is not None:
            with self.store.work() as work:
                kept = update(handovers).where(handovers.c.id == handover).values(external_id=number)
                work.connection.execute(kept)
        return number

    def _take(self, work: Work, number: CaseNumber, request: ServiceRequest) -> bool:
        """Write what is new of one request; doing it again writes nothing."""
        query = select(cases).where(cases.c.number == number).with_for_update()
        case = work.cases.found_by(query)[0]
        actor = Actor(Role.SYSTEM, unit=self.unit)
        closed = (request.status or "").lower() == "closed"
        # A case sent back by the citizen waits until the other city has opened it again.
        if case.status not in _WAITING or (case.status is Status.REDO and closed):
            return False
        before = len(case.timeline)
        if case.status in (Status.DISPATCHED, Status.REDO):
            work.cases.move(number, Move.SIGN, actor)
        for note in self._new_notes(work, case, request):
            work.cases.move(number, Move.NOTE, actor, Facts(note=note))
        if closed:
            reply = request.status_notes or self.domain.text(
                "utter_open311_remote_closed", case.language, unit=request.agency_responsible or self.unit
            )
            work.cases.move(number, Move.REPLY, actor, Facts(reply=reply[:NOTE_LENGTH]))
            work.cases.move(number, Move.REVIEW, actor)
        return len(work.cases.by_number(number).timeline) > before

    def _new_notes(self, work: Work, case: Case, request: ServiceRequest) -> Iterator[str]:
        """What the other city tells that was not written yet, each line once however often it is read."""
        lines = [(f"{note.datetime}{note.description}", note.description) for note in request.notes or []]
        if not request.notes:
            lines = [(f"{request.status}{request.status_notes}{case.handling.redos}", request.status_notes)]
        for key, line in lines:
            mark = TOLD + hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:40]
            if line and work.cases.mark(case.number, mark):
                yield line[:NOTE_LENGTH]


class Neighbour:
    """The other city of the settings: a Delivery for its unit, what is said here sent, what it says followed."""

    def __init__(self, settings: Settings, store: Store, domain: Domain, client: httpx.Client | None = None) -> None:
        unit = settings.open311_unit or ""
        self._client = client or httpx.Client(timeout=settings.open311_seconds, follow_redirects=False)
        key = settings.open311_key.get_secret_value()
        remote = Remote(self._client, settings.open311_url, key, settings.open311_jurisdiction)
        self.delivery = DeliveryOf({unit: Open311Delivery(remote, store, settings.open311_send_contact)})
        self._passing = Passing(remote, store, unit, domain, settings.open311_send_contact)
        self._follower = Follower(remote, store, unit, domain)
        self._every = settings.open311_follow_seconds
        self._last: float | None = None

    def follow(self) -> int:
        """Send what was said here and bring back what is new, if that was not done lately; gives how much was."""
        if self._last is not None and time.monotonic() - self._last < self._every:
            return 0
        self._last = time.monotonic()
        try:
            return self._passing.pass_on() + self._follower.follow()
        except DeliveryFailed as error:
            logger.warning("the Open311 endpoint cannot be followed: %s", error)
            return 0

    def close(self) -> None:
        """End the connections."""
        self._client.close()


def neighbour_of(settings: Settings, store: Store, domain: Domain) -> Neighbour | None:
    """The other city that handles our cases, None where our own desk does."""
    return Neighbour(settings, store, domain) if settings.open311_unit else None
